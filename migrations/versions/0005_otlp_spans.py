"""The spans of traces that came by OpenTelemetry, kept for others of their traces that are still to come."""

from alembic import op

revision = "0005"
down_revision = "0004"

CREATE = """
    CREATE TABLE otlp_trace (
        is_released boolean NOT NULL DEFAULT false,
        is_rest boolean NOT NULL DEFAULT false,
        span_count integer NOT NULL,
        waiting_since timestamptz,
        updated_at timestamptz NOT NULL,
        trace_id bytea NOT NULL,
        project text NOT NULL,
        spans bytea NOT NULL,
        CONSTRAINT otlp_trace_pkey PRIMARY KEY (project, trace_id)
    )
    WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0)
    """

INDEXES = (
    "CREATE INDEX otlp_trace_updated_at_idx ON otlp_trace (updated_at)",
    """
    CREATE INDEX otlp_trace_waiting_since_idx ON otlp_trace (waiting_since)
    WHERE waiting_since IS NOT NULL AND NOT is_released""",
)


def upgrade() -> None:
    for statement in (CREATE, *INDEXES):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE otlp_trace")
