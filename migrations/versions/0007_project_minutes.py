"""Minutes of projects, for the ends of ranges that cut an hour.

Where hours were made before, their minutes are missing: they are there from the next full hour on.
"""

from alembic import op

revision = "0007"
down_revision = "0006"

UPGRADE = (
    "CREATE TABLE project_minute (LIKE project_hour, PRIMARY KEY (project_id, starts_at, status))",
    "ALTER TABLE run_horizon ADD COLUMN minutes_since timestamptz NOT NULL DEFAULT '2000-01-01 00:00+00'",
    "ALTER TABLE run_horizon ALTER COLUMN minutes_since DROP DEFAULT",
    """
    UPDATE run_horizon SET minutes_since = date_trunc('hour', now()) + interval '1 hour'
    WHERE EXISTS (SELECT FROM project_hour)
    """,
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE run_horizon DROP COLUMN minutes_since")
    op.execute("DROP TABLE project_minute")
