"""The sums that Prometheus is shown, by agent and status, error type or model, made from those of all time."""

from alembic import op

revision = "0003"
down_revision = "0002"

INTEGERS = (
    "runs",
    "timed_runs",
    "duration_ms",
    "le_100",
    "le_500",
    "le_1000",
    "le_2000",
    "le_5000",
    "le_10000",
    "le_30000",
    "le_60000",
    "input_tokens",
    "output_tokens",
)
CREATE = f"""
    CREATE TABLE run_series (
        agent_id bigint NOT NULL,
        {" ".join(f"{column} bigint NOT NULL," for column in INTEGERS)}
        kind smallint NOT NULL,
        status smallint NOT NULL,
        error_type text NOT NULL,
        model text NOT NULL,
        provider text NOT NULL,
        cost numeric NOT NULL,
        {" ".join(f"held_{column} bigint," for column in INTEGERS)}
        held_cost numeric,
        CONSTRAINT run_series_pkey PRIMARY KEY (agent_id, kind, status, error_type, model, provider)
    )
    WITH (fillfactor = 70, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0)"""

FILL = (
    """
    INSERT INTO run_series (agent_id, kind, status, error_type, model, provider, runs, timed_runs, duration_ms,
        le_100, le_500, le_1000, le_2000, le_5000, le_10000, le_30000, le_60000, input_tokens, output_tokens, cost)
    SELECT agent_id, 0, status, '', '', '', sum(runs), sum(timed_runs), sum(duration_ms), sum(le_100), sum(le_500),
        sum(le_1000), sum(le_2000), sum(le_5000), sum(le_10000), sum(le_30000), sum(le_60000), 0, 0, 0
    FROM run_total GROUP BY agent_id, status
    """,
    """
    INSERT INTO run_series (agent_id, kind, status, error_type, model, provider, runs, timed_runs, duration_ms,
        le_100, le_500, le_1000, le_2000, le_5000, le_10000, le_30000, le_60000, input_tokens, output_tokens, cost)
    SELECT agent_id, 1, 0, error_type, '', '', sum(runs), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    FROM run_total WHERE status IN (3, 5) GROUP BY agent_id, error_type
    """,
    """
    INSERT INTO run_series (agent_id, kind, status, error_type, model, provider, runs, timed_runs, duration_ms,
        le_100, le_500, le_1000, le_2000, le_5000, le_10000, le_30000, le_60000, input_tokens, output_tokens, cost)
    SELECT agent_id, 2, 0, '', model, provider, sum(runs), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, sum(input_tokens),
        sum(output_tokens), sum(cost)
    FROM run_total GROUP BY agent_id, model, provider
    """,
)


def upgrade() -> None:
    for statement in (CREATE, *FILL):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE run_series")
