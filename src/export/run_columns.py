"""The columns of an exported run, named as the API names its fields."""

from dataclasses import dataclass

from ..models.run import CostSource, RunStatus
from .types import Type


@dataclass(frozen=True, slots=True)
class Column:
    """`sql` is of a row `r` of `run`, beside the agents in the scope, `visible_agent`."""

    name: str
    type: Type
    sql: str


def _name_of(members: type[RunStatus] | type[CostSource], column: str) -> str:
    cases = " ".join(f"WHEN {member.value} THEN '{member.name}'" for member in members)
    return f"CASE r.{column} {cases} END"


def _agent(id_: str) -> str:
    return f"(SELECT a.name FROM visible_agent a WHERE a.id = {id_})"


def _stored(type_: Type, **columns: str) -> list[Column]:
    return [Column(name, type_, f"r.{column}") for name, column in columns.items()]


PARENT = "(SELECT r.parent_external_id FROM visible_agent a WHERE a.id = r.parent_agent_id)"
"""Only that of a run that may be seen: it may be of a project beyond the scope."""

COLUMNS = [
    Column("project", Type.TEXT, "(SELECT p.slug FROM project p WHERE p.id = r.project_id)"),
    Column("agent", Type.TEXT, _agent("r.agent_id")),
    Column("version", Type.TEXT, "(SELECT v.version FROM agent_version v WHERE v.id = r.version_id)"),
    *_stored(Type.TEXT, externalId="external_id"),
    Column("status", Type.TEXT, _name_of(RunStatus, "status")),
    *_stored(Type.TIME, queuedAt="queued_at", startedAt="started_at", endedAt="ended_at"),
    *_stored(Type.INTEGER, durationMs="duration_ms", timeToFirstTokenMs="time_to_first_token_ms"),
    *_stored(Type.TEXT, model="model", provider="provider"),
    *_stored(Type.JSON, models="models", tools="tools"),
    *_stored(Type.INTEGER, inputTokens="input_tokens", outputTokens="output_tokens", totalTokens="total_tokens"),
    *_stored(Type.INTEGER, cachedInputTokens="cached_input_tokens"),
    *_stored(Type.DECIMAL, cost="cost"),
    Column("costSource", Type.TEXT, _name_of(CostSource, "cost_source")),
    *_stored(Type.TEXT, errorType="error_type", errorMessage="error_message", initiator="initiator"),
    *_stored(Type.TEXT, taskId="task_id", traceId="trace_id", spanId="span_id"),
    Column("parentAgent", Type.TEXT, _agent("r.parent_agent_id")),
    Column("parentExternalId", Type.TEXT, PARENT),
    *_stored(Type.TEXT, sessionId="session_id", userId="user_id"),
    *_stored(Type.INTEGER, inputLength="input_length", outputLength="output_length"),
    *_stored(Type.INTEGER, filesCreated="files_created", filesModified="files_modified", messages="messages"),
    *_stored(Type.FLOAT, pheromoneScore="pheromone_score"),
    *_stored(Type.JSON, metadata="metadata"),
    *_stored(Type.TIME, recordedAt="recorded_at"),
]
