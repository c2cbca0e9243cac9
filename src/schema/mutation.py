"""What can be changed: a list of what the subjects offer."""

import strawberry

from .aggregation import AGGREGATE, AggregatePayload, aggregate
from .model_price import SetModelPriceResult, set_model_price
from .recording import RecordRunsPayload, record_runs
from .registration import (
    RegisterAgentResult,
    RegisterVersionResult,
    UpdateAgentResult,
    register_agent,
    register_version,
    update_agent,
)


@strawberry.type(description="What can be changed.")
class Mutation:
    register_agent: RegisterAgentResult = strawberry.field(
        resolver=register_agent, description="Register an agent by project and name; again, it is the same agent."
    )
    register_version: RegisterVersionResult = strawberry.field(
        resolver=register_version, description="Register a version of an agent; again, it is the same version."
    )
    update_agent: UpdateAgentResult = strawberry.field(resolver=update_agent, description="Change an agent.")
    record_runs: RecordRunsPayload = strawberry.field(
        resolver=record_runs,
        description="Record a batch of runs. What is answered has been committed; what is sent again is stored once.",
    )
    set_model_price: SetModelPriceResult = strawberry.field(
        resolver=set_model_price, description="Set a price of a model over the built-in one."
    )
    aggregate: AggregatePayload = strawberry.field(resolver=aggregate, description=AGGREGATE)
