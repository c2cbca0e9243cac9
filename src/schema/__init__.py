"""What the API says: Strawberry types whose fields lead to the resolvers; no SQL, no session.

`schema.graphql` beside this file is the printed SDL; a test holds it against the code.
"""

import strawberry
from graphql import GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema, Undefined

from .mutation import Mutation
from .query import Query
from .scalars import CONFIG


def _leave_out_null_defaults(types: GraphQLSchema) -> None:
    """Strawberry publishes a Python default of None as `= null`; left out says the same with less noise."""
    for type_ in types.type_map.values():
        inputs = list(type_.fields.values()) if isinstance(type_, GraphQLInputObjectType) else []
        if isinstance(type_, GraphQLObjectType):
            inputs = [argument for field in type_.fields.values() for argument in field.args.values()]
        for argument in inputs:
            if argument.default_value is None:
                argument.default_value = Undefined


schema = strawberry.Schema(query=Query, mutation=Mutation, config=CONFIG)
_leave_out_null_defaults(schema._schema)

SDL = schema.as_str() + "\n"
"""The schema definition language of the API, as it is committed in `schema.graphql`."""
