"""Tiers of cells that add up, the ledger that feeds them, and what the background work keeps of itself.

Fixed-width columns stand before the others, which saves padding.
What was recorded before has no ledger row: its hours are marked as stale, so that the worker makes them.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

NUMBERS = """
        messages bigint NOT NULL,
        input_tokens bigint NOT NULL,
        output_tokens bigint NOT NULL,
        total_tokens bigint,
        duration_ms bigint,
        min_duration_ms bigint,
        max_duration_ms bigint,
        files_created bigint,
        files_modified bigint,
        runs integer NOT NULL,
        timed_runs integer,
        token_runs integer,
        estimated_runs integer,
        unknown_runs integer,
        scored_runs integer,
        status smallint NOT NULL,
        cost numeric NOT NULL,
        score numeric,
        durations integer[],
"""

# Without a key: it would take a fifth of the space, and nobody looks for one cell. Equal entries of the plain indexes
# are kept once.
AGENT_CELLS = f"""
    CREATE TABLE {{name}} (
        agent_id bigint NOT NULL,
        starts_at timestamptz NOT NULL,
        version_id bigint NOT NULL,
        {NUMBERS}
        costs integer[],{{visitors}}
        model text NOT NULL,
        provider text NOT NULL,
        error_type text NOT NULL
    )"""

PROJECT_CELLS = f"""
    CREATE TABLE {{name}} (
        project_id bigint NOT NULL,
        starts_at timestamptz NOT NULL,
        {NUMBERS}
        CONSTRAINT {{name}}_pkey PRIMARY KEY (project_id, starts_at, status)
    )"""

BUSY = "WITH (fillfactor = 70, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0)"
# Rows are read once and go: compressing their arrays takes six times as long as writing them does.
SHORT_LIVED = BUSY.replace("fillfactor = 70", "toast_tuple_target = 8160")

TABLES = (
    AGENT_CELLS.format(name="run_hour", visitors="visitor bigint, other_visitor bigint, visitors bigint[],"),
    AGENT_CELLS.format(name="run_day", visitors=""),
    PROJECT_CELLS.format(name="project_hour"),
    PROJECT_CELLS.format(name="project_day"),
    """
    CREATE TABLE run_total (
        agent_id bigint NOT NULL,
        version_id bigint NOT NULL,
        status smallint NOT NULL,
        model text NOT NULL,
        provider text NOT NULL,
        error_type text NOT NULL,
        runs bigint NOT NULL,
        timed_runs bigint NOT NULL,
        token_runs bigint NOT NULL,
        estimated_runs bigint NOT NULL,
        unknown_runs bigint NOT NULL,
        files_created bigint NOT NULL,
        files_modified bigint NOT NULL,
        messages bigint NOT NULL,
        input_tokens bigint NOT NULL,
        output_tokens bigint NOT NULL,
        total_tokens bigint NOT NULL,
        duration_ms bigint NOT NULL,
        cost numeric NOT NULL,
        le_100 bigint NOT NULL,
        le_500 bigint NOT NULL,
        le_1000 bigint NOT NULL,
        le_2000 bigint NOT NULL,
        le_5000 bigint NOT NULL,
        le_10000 bigint NOT NULL,
        le_30000 bigint NOT NULL,
        le_60000 bigint NOT NULL,
        CONSTRAINT run_total_pkey PRIMARY KEY (agent_id, version_id, status, model, provider, error_type)
    )
    """
    + BUSY,
    """
    CREATE TABLE error_hour (
        agent_id bigint NOT NULL,
        starts_at timestamptz NOT NULL,
        version_id bigint NOT NULL,
        status smallint NOT NULL,
        model text NOT NULL,
        provider text NOT NULL,
        error_type text NOT NULL,
        fingerprint text NOT NULL,
        message text NOT NULL,
        runs integer NOT NULL,
        first_at timestamptz NOT NULL,
        last_at timestamptz NOT NULL,
        last_run_id bigint NOT NULL
    )
    """,
    """
    CREATE TABLE pheromone_hour (
        agent_id bigint NOT NULL,
        starts_at timestamptz NOT NULL,
        score double precision NOT NULL,
        runs bigint NOT NULL,
        quality double precision,
        median_duration_ms double precision,
        median_cost double precision,
        CONSTRAINT pheromone_hour_pkey PRIMARY KEY (agent_id, starts_at)
    )
    """,
    """
    CREATE TABLE run_batch (
        id bigint NOT NULL,
        recorded_at timestamptz NOT NULL,
        started_from timestamptz NOT NULL,
        started_to timestamptz NOT NULL,
        agent_ids bigint[] NOT NULL,
        first_ids bigint[] NOT NULL,
        last_ids bigint[] NOT NULL,
        CONSTRAINT run_batch_pkey PRIMARY KEY (id)
    )
    """
    + SHORT_LIVED,
    """
    CREATE TABLE rollup_stale (
        tier smallint NOT NULL,
        owner_id bigint NOT NULL,
        starts_at timestamptz NOT NULL,
        CONSTRAINT rollup_stale_pkey PRIMARY KEY (tier, owner_id, starts_at)
    )
    """
    + BUSY,
    """
    CREATE TABLE run_horizon (
        id smallint NOT NULL,
        runs_since timestamptz NOT NULL,
        cells_since timestamptz NOT NULL,
        CONSTRAINT run_horizon_pkey PRIMARY KEY (id)
    )
    """,
    """
    CREATE TABLE background_job (
        name text NOT NULL,
        last_started_at timestamptz,
        last_finished_at timestamptz,
        last_duration_ms bigint,
        last_error text,
        next_at timestamptz,
        CONSTRAINT background_job_pkey PRIMARY KEY (name)
    )
    """,
    """
    CREATE TABLE leader (
        name text NOT NULL,
        holder text NOT NULL,
        elected_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        CONSTRAINT leader_pkey PRIMARY KEY (name)
    )
    """,
    "CREATE INDEX run_hour_agent_id_idx ON run_hour (agent_id, starts_at)",
    "CREATE INDEX run_hour_starts_at_idx ON run_hour (starts_at)",
    "CREATE INDEX run_day_agent_id_idx ON run_day (agent_id, starts_at)",
    "CREATE INDEX run_day_starts_at_idx ON run_day (starts_at)",
    "CREATE INDEX error_hour_agent_id_idx ON error_hour (agent_id, starts_at)",
    "CREATE INDEX error_hour_starts_at_idx ON error_hour (starts_at)",
    "CREATE INDEX run_key_started_at_idx ON run_key USING brin (started_at) WITH (autosummarize = on)",
    "ALTER TABLE run ADD COLUMN batch_id bigint",
    "INSERT INTO run_horizon (id, runs_since, cells_since) VALUES (1, '2000-01-01 00:00+00', '2000-01-01 00:00+00')",
)

RECORDED_BEFORE = """
    WITH hour AS (
        SELECT DISTINCT r.agent_id, r.project_id, date_trunc('hour', r.started_at, 'UTC') AS starts_at
        FROM run r WHERE r.status >= 2
    ), day AS (
        SELECT DISTINCT agent_id, project_id, date_trunc('day', starts_at, 'UTC') AS starts_at FROM hour
    )
    INSERT INTO rollup_stale (tier, owner_id, starts_at)
    SELECT 0, agent_id, starts_at FROM hour
    UNION SELECT 1, agent_id, starts_at FROM day
    UNION SELECT 2, project_id, starts_at FROM hour
    UNION SELECT 3, project_id, starts_at FROM day
    UNION SELECT 4, agent_id, starts_at FROM hour"""


def upgrade() -> None:
    for statement in (*TABLES, RECORDED_BEFORE):
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE run DROP COLUMN batch_id")
    op.execute("DROP INDEX run_key_started_at_idx")
    op.execute(
        """
        DROP TABLE leader, background_job, run_horizon, rollup_stale, run_batch, pheromone_hour, error_hour, run_total,
            project_day, project_hour, run_day, run_hour
        """
    )
