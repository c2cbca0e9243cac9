"""The spans of a trace as a tree, and which of them are runs.

A run is an agent span with a name. What stands around or inside of it is told apart here; what a run used is
summed up in run.py. A span whose parent is not known may still turn out to be inside of anything, so it is held
back with all that is below it, until it is released: then it counts as the first of its trace.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from operator import attrgetter

from .aliases import AGENT
from .facts import text
from .span import Role, Span, Status

UNNAMED = "unnamed"


class Verdict(Enum):
    """What became of a span that looks like a run."""

    RUN = "run"
    SAME_RUN = "second span of the run around it"
    WRAPPER = "around runs"
    NAMELESS = "has no agent's name"
    HELD = "waits for its parent"


@dataclass(slots=True, eq=False)
class Node:
    """A span in its place. The flags tell what lies anywhere below it.

    `run` is the nearest run at or above it; `past_tool`: a tool call lies between the two.
    `wrapper` is the outermost wrapper at or above it, where no run is.
    """

    span: Span
    parent: "Node | None" = None
    children: list["Node"] = field(default_factory=list)
    name: str | None = None
    agent_below: bool = False
    named_below: bool = False
    inference_below: bool = False
    verdict: Verdict | None = None
    run: "Run | None" = None
    past_tool: bool = False
    wrapper: "Node | None" = None


@dataclass(slots=True, eq=False)
class Run:
    """A run, its further spans, and its own model and tool calls in order of their start.

    `wrapper` is the outermost wrapper around it; None where there is none, or a run is around it.
    """

    node: Node
    name: str
    parent: "Run | None"
    wrapper: Node | None
    spans: list[Span]
    inferences: list[Node] = field(default_factory=list)
    tools: list[Span] = field(default_factory=list)


@dataclass(slots=True)
class Trace:
    """Runs in order of their start. `orphans` are the spans whose parents are not known, or in a circle."""

    roots: list[Node]
    orphans: list[Node]
    runs: list[Run]


_by_start = attrgetter("span.started", "span.id")


def read_trace(spans: Iterable[Span], *, released: bool) -> Trace:
    """The runs of a trace. `released`: spans wait for no parents any more."""
    roots, orphans, order = _tree({span.id: Node(span) for span in spans}, released)
    for node in reversed(order):
        _tell_parent(node)
    runs = [run for node in order if (run := _place(node)) is not None]
    runs.sort(key=lambda run: _by_start(run.node))
    for run in runs:
        run.inferences.sort(key=_by_start)
        run.tools.sort(key=attrgetter("started", "id"))
    return Trace(roots, orphans, runs)


def _tree(nodes: dict[bytes, Node], released: bool) -> tuple[list[Node], list[Node], list[Node]]:
    """Roots (with the orphans, if those are released), orphans, and all below the roots, each after its parent."""
    for node in nodes.values():
        parent_id = node.span.parent_id
        if parent_id and parent_id != node.span.id and (parent := nodes.get(parent_id)) is not None:
            node.parent = parent
            parent.children.append(node)
    tops = [node for node in nodes.values() if node.parent is None]
    orphans = [node for node in tops if not _is_first(node.span)]
    roots = tops if released else [node for node in tops if _is_first(node.span)]
    order = list(_below(roots))
    if len(order) < len(nodes) and (circles := _cut_circles(nodes, list(_below(tops)))):
        orphans += circles
        roots = [*roots, *circles] if released else roots
        order = list(_below(roots))
    if not released:
        for node in orphans:
            node.verdict = Verdict.HELD
    return sorted(roots, key=_by_start), orphans, order


def _is_first(span: Span) -> bool:
    return not span.parent_id or span.parent_id == span.id


def _below(roots: Iterable[Node]) -> Iterator[Node]:
    """These and all below, each after its parent."""
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.children)


def _cut_circles(nodes: dict[bytes, Node], reached: list[Node]) -> list[Node]:
    """Spans that are each other's parents: of every circle the one that started first loses its parent."""
    seen = set(map(id, reached))
    cut = []
    for node in sorted(nodes.values(), key=_by_start):
        if id(node) in seen:
            continue
        first = _first_of_circle(node)
        assert first.parent is not None  # noqa: S101 - it is in a circle
        first.parent.children.remove(first)
        first.parent = None
        cut.append(first)
        seen.update(map(id, _below([first])))
    return cut


def _first_of_circle(node: Node) -> Node:
    """Of the circle that a node's parents end in, the one that started first."""
    passed: dict[int, Node] = {}
    while id(node) not in passed and node.parent is not None:
        passed[id(node)] = node
        node = node.parent
    circle = list(passed.values())
    circle = circle[next(place for place, other in enumerate(circle) if other is node) :]
    return min(circle, key=_by_start)


def _tell_parent(node: Node) -> None:
    """Pass on what a node is and has below; all below it have done so."""
    role, parent = node.span.role, node.parent
    if role == Role.AGENT:
        node.name = text(node.span, AGENT)
    if parent is None:
        return
    if node.agent_below or role == Role.AGENT:
        parent.agent_below = True
    if node.named_below or node.name is not None:
        parent.named_below = True
    if node.inference_below or role == Role.INFERENCE:
        parent.inference_below = True


def _place(node: Node) -> Run | None:
    """Tell a node its place, after its parent; gives the run that begins with it."""
    role, parent = node.span.role, node.parent
    if parent is not None:
        node.run, node.wrapper = parent.run, parent.wrapper
        node.past_tool = parent.past_tool or parent.span.role == Role.TOOL
    if role in (Role.AGENT, Role.WRAPPER):
        return _place_agent(node)
    if node.run is not None:
        if role == Role.INFERENCE:
            node.run.inferences.append(node)
        elif role == Role.TOOL:
            node.run.tools.append(node.span)
    return None


def _place_agent(node: Node) -> Run | None:
    name, around = node.name, node.run
    if name is None:
        if around is None:
            return _place_wrapper(node)
        node.verdict = Verdict.NAMELESS if node.span.role == Role.AGENT else None
        return None
    if around is not None and around.name == name and not node.past_tool:
        node.verdict = Verdict.SAME_RUN
        around.spans.append(node.span)
        return None
    return _begin(node, name)


def _place_wrapper(node: Node) -> Run | None:
    """A workflow, chain or nameless agent outside of any run: around runs where a named agent is in the outermost one.

    Where none is, the outermost agent is the run, and where there is no agent at all the outermost workflow or chain.
    """
    outermost = node.wrapper or node
    is_agent = node.span.role == Role.AGENT
    if not outermost.named_below and (is_agent or not outermost.agent_below):
        return _begin(node, node.span.name.strip() or UNNAMED)
    node.verdict = Verdict.WRAPPER if node.agent_below else Verdict.NAMELESS if is_agent else None
    node.wrapper = outermost
    return None


def _begin(node: Node, name: str) -> Run:
    run = Run(node, name, node.run, None if node.run else node.wrapper, [node.span])
    node.run, node.past_tool, node.verdict = run, False, Verdict.RUN
    return run


def failing_wrapper(run: Run, runs: Iterable[Run]) -> Span | None:
    """The wrapper whose error is the run's: only where neither the run nor another one beside it says how it ended."""
    if run.wrapper is None or run.node.span.status != Status.UNSET or run.wrapper.span.status != Status.ERROR:
        return None
    beside = (other for other in runs if other.wrapper is run.wrapper)
    return None if any(other.node.span.status == Status.ERROR for other in beside) else run.wrapper.span
