"""The runs that a run has called, found by its name. Few runs are called by another, so the index is small."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("""
        CREATE INDEX run_parent_idx ON run (parent_agent_id, parent_external_id, started_at)
        WHERE parent_external_id IS NOT NULL""")


def downgrade() -> None:
    op.execute("DROP INDEX run_parent_idx")
