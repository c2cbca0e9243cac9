"""A recorded body told to a person: its spans as a tree, the runs among them, and where each value is from."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar

from . import aliases, json_body, protobuf_body
from .aliases import KEPT, METADATA, READ, ROLES
from .batch import Batch
from .facts import Read, amount, count, first_token, provider, source, text
from .label import Label, Labels, labels_of_json, labels_of_protobuf
from .run import failure_of, run_input
from .slim import MAX_TEXT
from .span import RUNS, Role, Span
from .trace import Node, Run, Trace, Verdict, read_trace

T = TypeVar("T")

INDENT = "  "
MOST_SHOWN = 60
ROLE_NAMES = {Role.OTHER: "", Role.AGENT: "agent", Role.WRAPPER: "workflow or chain"}
OF_RESOURCE = {aliases.SERVICE_VERSION: f"{aliases.SERVICE_VERSION} of the resource"}


class Line(NamedTuple):
    """A field of a run: its value, and why."""

    field: str
    value: str
    why: str


def explain(body: bytes, now: datetime) -> Iterator[str]:
    """The lines about a body, in JSON where it begins with a brace. Raises BadInputError for what is neither format."""
    is_json = body.lstrip()[:1] == b"{"
    batch = Batch(now)
    (json_body if is_json else protobuf_body).read(body, batch)
    labels = (labels_of_json if is_json else labels_of_protobuf)(body)
    traces = {trace_id: read_trace(spans.values(), released=True) for (_, trace_id), spans in batch.traces.items()}
    runs = sum(len(trace.runs) for trace in traces.values())
    yield f"{_many(batch.spans, 'span')} in {_many(len(traces), 'trace')}, {_many(runs, 'run')}"
    if batch.refusals.spans:
        yield f"{_many(batch.refusals.spans, 'span')} not taken: {batch.refusals.message}"
    for trace_id, trace in traces.items():
        yield ""
        yield f"trace {trace_id.hex()}"
        yield from _Teller(labels, trace_id, trace).lines()


@dataclass(frozen=True, slots=True)
class _Teller:
    labels: Labels
    trace_id: bytes
    trace: Trace

    def lines(self) -> Iterator[str]:
        waiting = [(node, 1) for node in reversed(self.trace.roots)]
        while waiting:
            node, depth = waiting.pop()
            yield from self._lines_of(node, INDENT * depth)
            children = sorted(
                self.trace.children.get(node.span.id, ()),
                key=lambda child: (child.span.started, child.span.id),
                reverse=True,
            )
            waiting.extend((child, depth + 1) for child in children)

    def _lines_of(self, node: Node, indent: str) -> Iterator[str]:
        yield f"{indent}{self._name(node.span)}  [{node.span.id.hex()}]  {self._verdict(node)}".rstrip()
        if node in self.trace.orphans:
            yield f"{indent}{INDENT * 2}its parent {node.span.parent_id.hex()} is not here; it would be waited for"
        if node.run is not None and node.verdict is Verdict.RUN:
            lines = [line for line in self._fields(node.run) if line.value]
            width = max(len(line.value) for line in lines)
            for line in lines:
                yield f"{indent}{INDENT * 2}{line.field:14} {line.value:{min(width, 40)}}  {line.why}".rstrip()
        if ignored := self._ignored(node.span):
            yield f"{indent}{INDENT * 2}ignored: {', '.join(ignored)}"

    def _label(self, span: Span) -> Label:
        return self.labels[self.trace_id, span.id]

    def _name(self, span: Span) -> str:
        return _shown(self._label(span).name) or "(no name)"

    def _verdict(self, node: Node) -> str:
        span = node.span
        match node.verdict:
            case Verdict.RUN:
                return "RUN"
            case None:
                return self._role(node)
            case other:
                return f"{ROLE_NAMES[Role(span.role)]}: {other.value}"

    def _role(self, node: Node) -> str:
        role = Role(node.span.role)
        if role is Role.INFERENCE:
            used = (count(node.span, names) for names in (aliases.INPUT_TOKENS, aliases.OUTPUT_TOKENS))
            told = " + ".join("?" if tokens is None else str(tokens) for tokens in used)
            return f"model call, {told} tokens" + (", around another: not counted" if node.inference_below else "")
        if role is Role.TOOL:
            return f"tool {text(node.span, aliases.TOOL) or 'without a name: not counted'}"
        return ROLE_NAMES[role]

    def _ignored(self, span: Span) -> list[str]:
        """Attributes that tell nothing, here or at all."""
        kept = KEPT[Role(span.role)] | ROLES.keys() | ({METADATA} if span.role == Role.AGENT else set())
        return [name for name in self._label(span).attributes if name not in kept or name not in READ]

    def _fields(self, run: Run) -> Iterator[Line]:
        made = run_input(run, self.trace.runs, project="default", trace_id=self.trace_id)
        span = run.span
        everywhere = (*run.inferences, span)
        yield Line("agent", run.name, source(span, aliases.AGENT, text) or "the span's name")
        yield Line("version", *self._of((span,), aliases.VERSION, text))
        yield self._status(run)
        yield Line("error type", *self._of(_some(failure_of(run, self.trace.runs)), aliases.ERROR_TYPE, text))
        yield Line("error", _shown(made.error_message or ""), "")
        yield Line("model", *self._of(everywhere, aliases.MODEL, text))
        yield Line("provider", *self._of(everywhere, aliases.PROVIDER, provider))
        yield Line("input tokens", *self._sum(run, aliases.INPUT_TOKENS, aliases.OWN_INPUT_TOKENS, count))
        yield Line("output tokens", *self._sum(run, aliases.OUTPUT_TOKENS, aliases.OWN_OUTPUT_TOKENS, count))
        yield Line("cached tokens", *self._sum(run, aliases.CACHED_TOKENS, aliases.OWN_CACHED_TOKENS, count))
        cost, why = self._sum(run, aliases.COST, aliases.COST, amount)
        yield Line("cost", cost if made.cost is not None else "", why)
        yield Line("first token ms", *self._of(everywhere, aliases.FIRST_TOKEN, first_token))
        yield Line("session", *self._of((span,), aliases.SESSION, text))
        yield Line("user", *self._of((span,), aliases.USER, text))
        yield Line("tools", ", ".join(made.tools or ()), "")
        yield Line("parent", "" if run.parent is None else run.parent.name, "the nearest run above")
        yield Line("started", "" if made.started_at is None else made.started_at.isoformat(), "")
        yield Line("ended", "" if made.ended_at is None else made.ended_at.isoformat(), "")

    def _status(self, run: Run) -> Line:
        failure = failure_of(run, self.trace.runs)
        if failure is None:
            return Line("status", "SUCCEEDED", "the status of its span is not ERROR")
        where = "its span" if failure is run.span else f"{self._name(failure)}, the wrapper around it"
        return Line("status", "FAILED", f"the status of {where}")

    def _of(self, spans: Iterable[Span], names: Iterable[str], read: Read[T]) -> tuple[str, str]:
        """The value that counts, and the attribute and span that it is from."""
        for span in spans:
            name = source(span, names, read)
            if name is not None:
                at = f" of {self._name(span)}" if span.role not in RUNS else ""
                return _shown(str(read(span, (name,)))), f"{OF_RESOURCE.get(name, name)}{at}"
        return "", ""

    def _sum(self, run: Run, names: Iterable[str], own_names: Iterable[str], read: Read[T]) -> tuple[str, str]:
        if not run.inferences:
            value, name = self._of(run.spans, own_names, read)
            return value, f"{name}, its own: there is no model call below"
        found = [(read(leaf, names), source(leaf, names, read)) for leaf in run.leaves]
        told = [(value, name) for value, name in found if value is not None and name is not None]
        if not told:
            return "", ""
        sources = dict.fromkeys(name for _, name in told)
        return " + ".join(str(value) for value, _ in told), f"{', '.join(sources)} of {_many(len(told), 'model call')}"


def _by_start(node: Node) -> tuple[int, bytes]:
    return node.span.started, node.span.id


def _some(span: Span | None) -> Sequence[Span]:
    return () if span is None else (span,)


def _shown(value: str) -> str:
    line = " ".join(value[:MAX_TEXT].split())
    return line if len(line) <= MOST_SHOWN else f"{line[: MOST_SHOWN - 1]}…"


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
