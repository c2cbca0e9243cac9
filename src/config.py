"""Settings: one frozen object, read once at the edge (cli, tests) and passed down."""

from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything that can be set, by environment variable (`FORMICARY_<NAME>`) or command-line flag."""

    model_config = SettingsConfigDict(env_prefix="FORMICARY_", frozen=True, populate_by_name=True, extra="ignore")

    database_url: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="Any PostgreSQL from 15 on. Without it an embedded one is started in the data directory.",
    )
    data_dir: Path = Field(
        default=Path("~/.local/share/formicary"), description="Where the embedded PostgreSQL keeps its data."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8765, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    open: bool = Field(default=False, description="On a loopback address, ask for no API key even though keys exist.")
    pool_size: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="Most database connections of this process; the embedded PostgreSQL allows 100 in all.",
    )
    pool_timeout: float = Field(
        default=5.0, gt=0, description="Seconds to wait for a free connection before answering 503."
    )
    statement_timeout: float = Field(
        default=30.0, gt=0, description="Seconds after which PostgreSQL cancels one statement."
    )
    start_timeout: float = Field(
        default=60.0, gt=0, description="Seconds to wait for the database at start before giving up."
    )
    pgbouncer: bool = Field(
        default=False, description="DATABASE_URL is a PgBouncer in transaction mode: no prepared statements."
    )
    direct_url: SecretStr | None = Field(
        default=None, description="Where DATABASE_URL is a PgBouncer: the server behind it, for migrations."
    )
    max_body_bytes: int = Field(
        default=16 * 1024 * 1024, gt=0, description="Largest request body, also after decompression."
    )
    max_tokens: int = Field(default=10_000, gt=0, description="Most tokens of a GraphQL document.")
    max_aliases: int = Field(default=200, ge=0, description="Most aliases of a GraphQL document.")
    max_depth: int = Field(default=15, gt=0, description="Most levels of fields of a query, introspection aside.")
    max_cost: int = Field(
        default=50_000, gt=0, description="Most objects an answer can hold, judged by the page sizes of the query."
    )
    worker: bool = Field(default=True, description="Do the background work in this process too, if no other one does.")
    runs_kept: int = Field(default=30, ge=1, description="Days for which runs are kept; they go by whole weeks.")
    aggregates_kept: int = Field(
        default=400,
        validate_default=True,
        description="Days for which hourly and daily figures are kept, and what tells a run sent again from a new one.",
    )
    pheromone_outcome_weight: float = Field(
        default=0.7, gt=0, allow_inf_nan=False, description="How much success counts in a computed pheromone score."
    )
    pheromone_duration_weight: float = Field(
        default=0.2, ge=0, allow_inf_nan=False, description="How much a short duration counts in it."
    )
    pheromone_cost_weight: float = Field(
        default=0.1, ge=0, allow_inf_nan=False, description="How much a low cost counts in it."
    )
    pheromone_rate: float = Field(
        default=0.05, gt=0, le=1, description="The part of the way to a run's quality that the run moves the score."
    )
    pheromone_half_life: float = Field(
        default=7.0, gt=0, le=36_500, description="Idle days after which half of the score's distance to 0.5 is left."
    )
    metrics_max_series: int = Field(
        default=10_000,
        ge=100,
        description="Most series of a family at `/metrics`; those of the fewest runs are left out.",
    )
    span_wait: float = Field(
        default=60.0,
        gt=0,
        description="Seconds for which a span waits for its parent; then it counts as the first of its trace.",
    )
    spans_kept: float = Field(
        default=24.0,
        gt=0,
        le=8760,
        description="Hours for which spans are kept for others of their trace; at most one where none is missing.",
    )
    max_spans: int = Field(
        default=2_000_000, gt=0, description="Most spans kept; over that the traces go in which least is missing."
    )
    max_trace_spans: int = Field(
        default=10_000, gt=0, description="Most spans kept of one trace; further ones are refused."
    )
    login_idle: float = Field(
        default=12.0,
        ge=0.1,
        le=8760,
        description="Hours after which a login to the dashboard ends where no page of it is open.",
    )
    login_lifetime: float = Field(
        default=7.0, gt=0, le=365, description="Days after which a login to the dashboard ends in any case."
    )
    slow_statement_ms: float = Field(default=500.0, gt=0, description="Statements slower than this are logged.")
    log_format: Literal["text", "json"] = Field(default="text", description="Format of the log lines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level logged.")

    @field_validator("aggregates_kept")
    @classmethod
    def _outlive_runs(cls, days: int, info: ValidationInfo) -> int:
        """Figures are read from what is stored as far back as there are runs, which go up to a week late."""
        least = info.data.get("runs_kept", 0) + 7
        if days < least:
            raise ValueError(f"{days} days are too few: it takes {least}, a week more than runs are kept")
        return days

    @cached_property
    def data_path(self) -> Path:
        return self.data_dir.expanduser().absolute()
