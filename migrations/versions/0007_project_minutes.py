"""Minutes of projects, for the ends of ranges that cut an hour. Hours that were made before have none."""

from alembic import op

revision = "0007"
down_revision = "0006"

UPGRADE = (
    # Minutes are read by time, mostly of all projects.
    "CREATE TABLE project_minute (LIKE project_hour, PRIMARY KEY (starts_at, project_id, status))",
    # Whoever makes an hour without knowing of minutes leaves the default.
    "ALTER TABLE project_hour ADD COLUMN has_minutes boolean NOT NULL DEFAULT false",
    "ALTER TABLE run_horizon ADD COLUMN minutes_since timestamptz NOT NULL DEFAULT '2000-01-01 00:00+00'",
    "ALTER TABLE run_horizon ALTER COLUMN minutes_since DROP DEFAULT",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE run_horizon DROP COLUMN minutes_since")
    op.execute("ALTER TABLE project_hour DROP COLUMN has_minutes")
    op.execute("DROP TABLE project_minute")
