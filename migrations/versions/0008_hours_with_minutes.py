"""Each hour of a project says whether it has its minutes: who makes one without knowing of minutes leaves the default.

Hours that were made before have none. Minutes are read by time, mostly of all projects, so their key begins with it.
"""

from alembic import op

revision = "0008"
down_revision = "0007"

UPGRADE = (
    "DROP TABLE project_minute",
    "CREATE TABLE project_minute (LIKE project_hour, PRIMARY KEY (starts_at, project_id, status))",
    "ALTER TABLE project_hour ADD COLUMN has_minutes boolean NOT NULL DEFAULT false",
)

DOWNGRADE = (
    "ALTER TABLE project_hour DROP COLUMN has_minutes",
    "DROP TABLE project_minute",
    "CREATE TABLE project_minute (LIKE project_hour, PRIMARY KEY (project_id, starts_at, status))",
    """
    UPDATE run_horizon SET minutes_since = date_trunc('hour', now()) + interval '1 hour'
    WHERE EXISTS (SELECT FROM project_hour)
    """,
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
