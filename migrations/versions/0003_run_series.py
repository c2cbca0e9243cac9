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
COLUMNS = (*INTEGERS, "cost")

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

FILL = f"""
    INSERT INTO run_series (agent_id, kind, status, error_type, model, provider, {", ".join(COLUMNS)})
    SELECT t.agent_id, k.kind, k.status, k.error_type, k.model, k.provider,
        {", ".join(f"sum(t.{column})" for column in COLUMNS)}
    FROM run_total t CROSS JOIN LATERAL (VALUES
        (0::smallint, t.status, '', '', ''),
        (1::smallint, 0::smallint, t.error_type, '', ''),
        (2::smallint, 0::smallint, '', t.model, t.provider)
    ) AS k (kind, status, error_type, model, provider)
    WHERE k.kind <> 1 OR t.status IN (3, 5)
    GROUP BY t.agent_id, k.kind, k.status, k.error_type, k.model, k.provider"""


def upgrade() -> None:
    op.execute(CREATE)
    op.execute(FILL)


def downgrade() -> None:
    op.execute("DROP TABLE run_series")
