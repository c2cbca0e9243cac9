"""What is stored: SQLModel tables, no queries.

`metadata` is what alembic's autogenerate compares with a migrated database (tests/migrations).
Which table is distributed, referenced or local on Citus is stated in `TABLE_KINDS`.
"""

from enum import StrEnum

from sqlmodel import SQLModel

from .agent import Agent, AgentState
from .api_key import ApiKey, Role
from .model_price import ModelPrice
from .project import Project
from .run import CostSource, Run, RunKey, RunStatus
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
}

__all__ = [
    "TABLE_KINDS",
    "Agent",
    "AgentState",
    "AgentVersion",
    "ApiKey",
    "CostSource",
    "ModelPrice",
    "Project",
    "Role",
    "Run",
    "RunKey",
    "RunStatus",
    "TableKind",
    "VersionState",
    "metadata",
]
