"""Settings: one frozen object, read once at the edge (cli, tests) and passed down."""

from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
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
    pool_size: int = Field(default=10, ge=1, le=1000, description="Most database connections of this process.")
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
    slow_statement_ms: float = Field(default=500.0, gt=0, description="Statements slower than this are logged.")
    log_format: Literal["text", "json"] = Field(default="text", description="Format of the log lines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level logged.")

    @cached_property
    def data_path(self) -> Path:
        return self.data_dir.expanduser().absolute()
