"""The spans of a trace as a tree, and which of them are runs.

A run is an agent span with a name. What stands around or inside of it is told apart here; what a run used is
summed up in run.py. A span whose parent is not known may still turn out to be inside of anything, so it is held
back with all that is below it, until it is released: then it counts as the first of its trace.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from typing import TypeAlias

import msgspec

from .aliases import AGENT
from .facts import text
from .span import RUNS, Role, Span, Status

UNNAMED = "unnamed"

_AGENT, _INFERENCE, _TOOL = Role.AGENT, Role.INFERENCE, Role.TOOL  # to look into an enum each time takes 0.1 us


class Verdict(Enum):
    """What became of a span that looks like a run."""

    RUN = "run"
    SAME_RUN = "second span of the run around it"
    WRAPPER = "around runs"
    NAMELESS = "has no agent's name"
    HELD = "waits for its parent"


class Run(msgspec.Struct, gc=False, eq=False):
    """A run: its own spans, and its model and tool calls, in order of their start.

    `span` is the one that begins it, and so the first; `leaves` are the model calls that are around no other.
    `wrapper` is the outermost wrapper around it; None where there is none, or a run is around it.
    """

    span: Span
    name: str
    parent: "Run | None"
    wrapper: Span | None
    spans: list[Span]
    inferences: list[Span] = []
    leaves: list[Span] = []
    tools: list[Span] = []


class Node(msgspec.Struct, gc=False, eq=False):
    """A span in its place. The flags tell what lies anywhere below it.

    `run` is the nearest run at or above it; `past_tool`: a tool call lies between the two.
    `wrapper` is the outermost wrapper above it, where no run is; `is_wrapper`: that is what it is itself.

    Nodes know what is above them, and runs know no nodes. So nothing leads back to where it began, and all of it goes
    with its last user: a garbage collector would take longer to look through it than it takes to make.
    """

    span: Span
    parent: "Node | None" = None
    name: str | None = None
    agent_below: bool = False
    named_below: bool = False
    inference_below: bool = False
    verdict: Verdict | None = None
    run: Run | None = None
    past_tool: bool = False
    wrapper: "Node | None" = None
    is_wrapper: bool = False


Children: TypeAlias = Mapping[bytes, Sequence[Node]]
"""By the id of the span that they are directly below."""


@dataclass(slots=True)
class Trace:
    """Runs in order of their start. `orphans` are the spans whose parents are not known, or in a circle."""

    roots: list[Node]
    orphans: list[Node]
    children: Children
    runs: list[Run]


_by_start = attrgetter("started", "id")


def read_trace(spans: Iterable[Span], *, released: bool) -> Trace:
    """The runs of a trace. `released`: spans wait for no parents any more."""
    nodes = {span.id: Node(span) for span in spans}
    children = _join(nodes)
    roots = [node for node in nodes.values() if node.parent is None]
    order = _below(roots, children)
    if len(order) < len(nodes):
        roots += _cut_circles(nodes, order, children)
        order = _below(roots, children)
    orphans = [node for node in roots if not _is_first(node.span)]
    if orphans and not released:
        for node in orphans:
            node.verdict = Verdict.HELD
        roots = [node for node in roots if _is_first(node.span)]
        order = _below(roots, children)
    return Trace(_sorted(roots), orphans, children, _runs(order))


def _join(nodes: Mapping[bytes, Node]) -> dict[bytes, list[Node]]:
    """Give each node its parent, where that is known; gives the children of each."""
    children: dict[bytes, list[Node]] = {}
    for node in nodes.values():
        span = node.span
        parent = nodes.get(span.parent_id)
        if parent is not None and parent is not node:
            node.parent = parent
            if span.parent_id in children:
                children[span.parent_id].append(node)
            else:
                children[span.parent_id] = [node]
    return children


def _is_first(span: Span) -> bool:
    return not span.parent_id or span.parent_id == span.id


def _below(roots: Iterable[Node], children: Children) -> list[Node]:
    """These and all below, each after its parent."""
    found = list(roots)
    for node in found:  # which grows meanwhile
        if node.span.id in children:
            found += children[node.span.id]
    return found


def _sorted(nodes: list[Node]) -> list[Node]:
    return sorted(nodes, key=lambda node: _by_start(node.span)) if len(nodes) > 1 else nodes


def _cut_circles(nodes: Mapping[bytes, Node], reached: Iterable[Node], children: dict[bytes, list[Node]]) -> list[Node]:
    """Spans that are each other's parents: of every circle the one that started first loses its parent."""
    seen = {node.span.id for node in reached}
    cut = []
    for node in _sorted(list(nodes.values())):
        if node.span.id in seen:
            continue
        first = _first_of_circle(node)
        children[first.span.parent_id].remove(first)
        first.parent = None
        cut.append(first)
        seen.update(below.span.id for below in _below([first], children))
    return cut


def _first_of_circle(node: Node) -> Node:
    """Of the circle that a node's parents end in, the one that started first."""
    passed: dict[bytes, Node] = {}
    while node.span.id not in passed and node.parent is not None:
        passed[node.span.id] = node
        node = node.parent
    circle = list(passed.values())
    return _sorted(circle[circle.index(node) :])[0]


def _runs(order: Sequence[Node]) -> list[Run]:
    """The runs among nodes of which each comes after its parent; by their start."""
    for node in reversed(order):
        _tell_parent(node)
    runs = [run for node in order if (run := _place(node)) is not None]
    runs.sort(key=lambda run: _by_start(run.span))
    for run in runs:
        for some in (run.inferences, run.leaves, run.tools):
            some.sort(key=_by_start)
        if len(run.spans) > 2:
            run.spans = [run.span, *sorted(run.spans[1:], key=_by_start)]
    return runs


def _tell_parent(node: Node) -> None:
    """Pass on what a node is and has below; all below it have done so."""
    role, parent = node.span.role, node.parent
    if role == _AGENT:
        node.name = text(node.span, AGENT)
    if parent is None:
        return
    if role == _AGENT or node.agent_below:
        parent.agent_below = True
    if node.named_below or node.name is not None:
        parent.named_below = True
    if role == _INFERENCE or node.inference_below:
        parent.inference_below = True


def _place(node: Node) -> Run | None:
    """Tell a node its place, after its parent; gives the run that begins with it."""
    span, parent = node.span, node.parent
    if parent is not None:
        node.run = parent.run
        node.wrapper = parent if parent.is_wrapper else parent.wrapper
        node.past_tool = parent.past_tool or parent.span.role == _TOOL
    if span.role in RUNS:
        return _place_agent(node)
    if node.run is not None:
        if span.role == _INFERENCE:
            node.run.inferences.append(span)
            if not node.inference_below:
                node.run.leaves.append(span)
        elif span.role == _TOOL:
            node.run.tools.append(span)
    return None


def _place_agent(node: Node) -> Run | None:
    name, around = node.name, node.run
    if name is None:
        if around is None:
            return _place_wrapper(node)
        node.verdict = Verdict.NAMELESS if node.span.role == _AGENT else None
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
    is_agent = node.span.role == _AGENT
    if not outermost.named_below and (is_agent or not outermost.agent_below):
        return _begin(node, node.span.name.strip() or UNNAMED)
    node.verdict = Verdict.WRAPPER if node.agent_below else Verdict.NAMELESS if is_agent else None
    node.is_wrapper = outermost is node
    return None


def _begin(node: Node, name: str) -> Run:
    wrapper = None if node.run or node.wrapper is None else node.wrapper.span
    run = Run(node.span, name, node.run, wrapper, [node.span])
    node.run, node.past_tool, node.verdict = run, False, Verdict.RUN
    return run


def failing_wrapper(run: Run, runs: Iterable[Run]) -> Span | None:
    """The wrapper whose error is the run's: only where neither the run nor another one beside it says how it ended."""
    if run.wrapper is None or run.span.status != Status.UNSET or run.wrapper.status != Status.ERROR:
        return None
    beside = (other for other in runs if other.wrapper is run.wrapper)
    return None if any(other.span.status == Status.ERROR for other in beside) else run.wrapper
