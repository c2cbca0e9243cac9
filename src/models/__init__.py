"""What is stored: SQLModel tables, no queries.

`metadata` is what alembic's autogenerate compares with a migrated database (tests/migrations).
Which table is distributed, referenced or local on Citus is stated in `TABLE_KINDS`.
"""

from enum import StrEnum

from sqlmodel import SQLModel

from .agent import Agent, AgentState
from .api_key import ApiKey, Role
from .background_job import BackgroundJob, Leader
from .cell import RunTotal, error_hour, project_day, project_hour, project_minute, run_day, run_hour
from .dashboard_session import DashboardSession
from .model_price import ModelPrice
from .otlp_trace import OtlpTrace
from .project import Project
from .rollup import PheromoneHour, RollupStale, RunBatch, RunHorizon, Tier
from .run import CostSource, Run, RunKey, RunStatus
from .saved_view import SavedView
from .series import RunSeries, SeriesKind
from .version import AgentVersion, VersionState

metadata = SQLModel.metadata


class TableKind(StrEnum):
    """How Citus keeps a table; plain PostgreSQL does not care."""

    DISTRIBUTED = "distributed"
    REFERENCE = "reference"
    LOCAL = "local"


TABLE_KINDS: dict[str, TableKind] = {
    "project": TableKind.REFERENCE,
    "agent": TableKind.REFERENCE,
    "agent_version": TableKind.REFERENCE,
    "model_price": TableKind.REFERENCE,
    "api_key": TableKind.LOCAL,
    "agent_state": TableKind.DISTRIBUTED,
    "version_state": TableKind.DISTRIBUTED,
    "run_key": TableKind.DISTRIBUTED,
    "run": TableKind.DISTRIBUTED,
    "run_hour": TableKind.DISTRIBUTED,
    "run_day": TableKind.DISTRIBUTED,
    "run_total": TableKind.DISTRIBUTED,
    "run_series": TableKind.DISTRIBUTED,
    "error_hour": TableKind.DISTRIBUTED,
    "pheromone_hour": TableKind.DISTRIBUTED,
    "project_minute": TableKind.LOCAL,
    "project_hour": TableKind.LOCAL,
    "project_day": TableKind.LOCAL,
    "run_batch": TableKind.LOCAL,
    "rollup_stale": TableKind.LOCAL,
    "run_horizon": TableKind.LOCAL,
    "background_job": TableKind.LOCAL,
    "leader": TableKind.LOCAL,
    "dashboard_session": TableKind.LOCAL,
    "saved_view": TableKind.LOCAL,
    "otlp_trace": TableKind.LOCAL,
}

__all__ = [
    "TABLE_KINDS",
    "Agent",
    "AgentState",
    "AgentVersion",
    "ApiKey",
    "BackgroundJob",
    "CostSource",
    "DashboardSession",
    "Leader",
    "ModelPrice",
    "OtlpTrace",
    "PheromoneHour",
    "Project",
    "Role",
    "RollupStale",
    "Run",
    "RunBatch",
    "RunHorizon",
    "RunKey",
    "RunSeries",
    "RunStatus",
    "RunTotal",
    "SavedView",
    "SeriesKind",
    "TableKind",
    "Tier",
    "VersionState",
    "error_hour",
    "metadata",
    "project_day",
    "project_hour",
    "project_minute",
    "run_day",
    "run_hour",
]
