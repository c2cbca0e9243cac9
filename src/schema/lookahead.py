"""What of a field's answer is asked for, so that its resolver need not find what nobody reads."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import strawberry
from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode

Answers: TypeAlias = dict[tuple[object, ...], frozenset[str]]

MEMO = "lookahead"
"""Where the extensions of an operation keep the Answers, for siblings that ask the same."""


def selected(info: strawberry.Info[Any, Any], *paths: str) -> frozenset[str]:
    """Those of the paths, such as `latency.p95Ms`, that are requested below the current field.

    Paths are made of field names as in the SDL, whatever their aliases, through fragments of any type. A field under
    @skip or @include counts as requested.
    """
    raw = info._raw_info
    answers: Answers = (info.input_extensions or {}).get(MEMO, {})
    key = (*paths, *[id(node) for node in raw.field_nodes])
    if (answer := answers.get(key)) is None:
        answer = frozenset(path for path in paths if _reaches(raw.field_nodes, path, raw.fragments))
        answers[key] = answer
    return answer


def _reaches(nodes: Iterable[FieldNode], path: str, fragments: dict[str, FragmentDefinitionNode]) -> bool:
    reached = list(nodes)
    for name in path.split("."):
        seen: set[str] = set()
        sets = [node.selection_set for node in reached if node.selection_set]
        reached = [field for set_ in sets for field in _fields(set_, fragments, seen) if field.name.value == name]
    return bool(reached)


def _fields(
    selections: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode], seen: set[str]
) -> Iterator[FieldNode]:
    """The fields of a selection set, those of each fragment once."""
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(node.selection_set, fragments, seen)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
            seen.add(node.name.value)
            yield from _fields(fragments[node.name.value].selection_set, fragments, seen)
