"""From a request to an answer: parse, hold against the limits, validate, authorise, execute.

What depends on the query text alone is done once and kept: the same few texts come again and again.
Execution goes straight to graphql-core's executor, as Strawberry's own would, without what we have no use for
(extensions, middleware, incremental delivery).
"""

import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from inspect import isawaitable
from typing import Any, Protocol, TypeAlias, TypeGuard, cast

import msgspec
import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    FloatValueNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
    ValidationRule,
    specified_rules,
    validate,
)
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from ..auth import Principal
from ..errors import BadInputError, FormicaryError, LimitError
from . import access, failure, lookahead
from .access import Requirement
from .compiled_selection import CompiledSelections
from .compiled_variables import CompiledVariables, DecodedVariables
from .cost import Cost
from .executor import OperationExecutor
from .failure import Failure
from .limits import Limits


class FiniteNumbersRule(ValidationRule):
    """A number that a double cannot hold is no number that any field takes; graphql-core reads it as infinity."""

    def enter_float_value(self, node: FloatValueNode | IntValueNode, *_args: Any) -> None:
        if math.isinf(float(node.value)):
            self.report_error(GraphQLError("The number is too large.", node))

    enter_int_value = enter_float_value


class MergeRule(OverlappingFieldsCanBeMergedRule):
    """The rule whose work can grow with the square of a document, with a budget of some 0.1 s."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = 20_000


VALIDATION_RULES = (
    *(rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule),
    MergeRule,
    MaybeNullValidationRule,
    OneOfInputValidationRule,
    FiniteNumbersRule,
)
MAX_ERRORS = 20

IS_AWAITABLE = cast("Callable[[Any], TypeGuard[Awaitable[Any]]]", optimized_is_awaitable)

TEXTS_KEPT = 1000
BYTES_KEPT = 256 * 1024
LONGEST_KEPT = 64 * 1024
"""Of texts. What is kept of one takes some 200 times its length."""

Permissions: TypeAlias = Callable[[GraphQLSchema, DocumentNode, OperationDefinitionNode], tuple[Requirement, ...]]


class Context(Protocol):
    """What the executor needs of the object that resolvers find in `info.context`."""

    @property
    def principal(self) -> Principal: ...


class ReadOnlyError(FormicaryError):
    """A GET request only reads; send mutations by POST."""

    code = "METHOD_NOT_ALLOWED"
    status = HTTPStatus.METHOD_NOT_ALLOWED


class RequestError(Exception):
    """The request is refused before anything of it ran."""

    def __init__(self, failures: list[Failure]) -> None:
        super().__init__(failures)
        self.failures = failures


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """`variables` is the JSON text of an object; `read_only` is set for GET."""

    query: str
    variables: bytes | None = None
    operation_name: str | None = None
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class GraphQLResult:
    """`errors` are formatted. After a request error nothing was executed, and the answer has no `data`."""

    data: dict[str, Any] | None
    errors: list[Failure] = field(default_factory=list)
    is_request_error: bool = False

    @property
    def codes(self) -> set[str]:
        return {error["extensions"]["code"] for error in self.errors}


class Operation:
    """One operation of a valid document, with what it costs and takes."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        definition: OperationDefinitionNode,
        permissions: Permissions,
    ) -> None:
        self.document = document
        self.definition = definition
        self.name = definition.name.value if definition.name else None
        self.is_mutation = definition.operation is OperationType.MUTATION
        self.is_subscription = definition.operation is OperationType.SUBSCRIPTION
        self.cost = Cost(schema, document, definition)
        self.requirements = permissions(schema, document, definition)
        self.compiled = CompiledVariables.of(schema, document, definition)
        self.selections = CompiledSelections(schema, document, definition)


class Operations:
    """Executes requests against one schema, and remembers the documents of the last ones."""

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        limits: Limits | None = None,
        permissions: Permissions = access.required_access,
    ) -> None:
        self._schema = schema._schema
        self._limits = limits or Limits()
        self._permissions = permissions
        self._documents = _Documents()

    async def execute(self, request: GraphQLRequest, context: Context) -> GraphQLResult:
        """Answer a request; what a caller can cause and what goes wrong in fields is in the result.

        Raises ReadOnlyError when a read-only request asks for a mutation.
        """
        try:
            operation = self._operation(request)
            variables = _decode(operation, request.variables)
            operation.cost.hold(self._limits.cost, {**variables.plain, **variables.structs})
            access.check(context.principal, operation.requirements)
        except RequestError as error:
            return GraphQLResult(None, error.failures, is_request_error=True)
        except ReadOnlyError:
            raise
        except FormicaryError as error:
            return GraphQLResult(None, [failure.expected_failure(error)], is_request_error=True)
        return await self._run(operation, variables, context)

    async def _run(self, operation: Operation, variables: DecodedVariables, context: Context) -> GraphQLResult:
        compiled = operation.compiled if variables.structs else None
        executor = OperationExecutor.build(
            self._schema,
            compiled.document if compiled else operation.document,
            None,
            context,
            dict(variables.plain),
            operation.name,
            max_coercion_errors=MAX_ERRORS,
            is_awaitable=IS_AWAITABLE,
            operation_extensions={lookahead.MEMO: {}},
            selections=operation.selections,
        )
        if isinstance(executor, list):
            failures = failure.variable_failures(executor)
            return GraphQLResult(None, failures, is_request_error=True)
        if compiled:
            compiled.place(variables, executor)
        answer = executor.execute_operation()
        result = cast("ExecutionResult", await answer if isawaitable(answer) else answer)
        return GraphQLResult(result.data, failure.field_failures(result.errors) if result.errors else [])

    def _operation(self, request: GraphQLRequest) -> Operation:
        operations = self._documents.get(request.query)
        if operations is None:
            operations = self._prepare(request.query)
            self._documents.put(request.query, operations)
        operation = _choose(operations, request.operation_name)
        if operation.is_subscription:
            raise BadInputError("Subscriptions are not served over HTTP requests; send a query or a mutation.")
        if operation.is_mutation and request.read_only:
            raise ReadOnlyError
        return operation

    def _prepare(self, query: str) -> list[Operation]:
        try:
            document = self._limits.parse(query)
        except GraphQLSyntaxError as error:
            raise RequestError(failure.request_failures([error], failure.PARSE_FAILED)) from None
        if errors := validate_document(self._schema, document):
            raise RequestError(failure.request_failures(errors, failure.VALIDATION_FAILED))
        return [
            Operation(self._schema, document, node, self._permissions)
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
        ]


class _Documents:
    """The operations of the texts used last, bounded in number and in bytes; long texts are not kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, list[Operation]] = OrderedDict()
        self._bytes = 0

    def get(self, query: str) -> list[Operation] | None:
        operations = self._kept.get(query)
        if operations is not None:
            self._kept.move_to_end(query)
        return operations

    def put(self, query: str, operations: list[Operation]) -> None:
        if len(query) > LONGEST_KEPT:
            return
        self._kept[query] = operations
        self._bytes += len(query)
        while len(self._kept) > TEXTS_KEPT or self._bytes > BYTES_KEPT:
            dropped, _ = self._kept.popitem(last=False)
            self._bytes -= len(dropped)


def validate_document(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    """Strawberry's validation, with an end. Raises LimitError for what would take too long to check."""
    errors = validate(schema, document, VALIDATION_RULES, max_errors=MAX_ERRORS)
    if any(error.message == "Validation aborted." for error in errors):
        raise LimitError("The query repeats fields, or nests fragments, more than can be checked.")
    return errors


def _decode(operation: Operation, text: bytes | None) -> DecodedVariables:
    decoded = operation.compiled.decode(text) if operation.compiled and text else None
    return decoded or DecodedVariables(decode_variables(text), {})


def decode_variables(text: bytes | None) -> dict[str, Any]:
    """The variables as plain values. Raises BadInputError for what is not JSON or beyond its numbers."""
    if text is None:
        return {}
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInputError(f"The variables cannot be read: {error}") from None
    except RecursionError:
        raise BadInputError("The variables are nested too deeply.") from None


def _choose(operations: list[Operation], name: str | None) -> Operation:
    if name is None and len(operations) == 1:
        return operations[0]
    for operation in operations:
        if name is not None and operation.name == name:
            return operation
    message = (
        f"Unknown operation named {name!r}."
        if name is not None
        else "The document holds several operations; say which one by `operationName`."
    )
    raise RequestError([failure.failure(message, failure.UNKNOWN_OPERATION)])
