"""How large an operation may be, judged from its text before it costs anything.

The shape (length, tokens, aliases, fields, depth) is checked right after parsing, so that validation never
sees a document that would keep it busy. What the answer may hold is judged after that, in cost.py.
"""

from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)

from ..errors import LimitError


@dataclass(frozen=True, slots=True)
class Limits:
    """`depth` counts levels of fields outside introspection; `cost` is the objects an answer can hold."""

    length: int = 256 * 1024
    tokens: int = 10_000
    aliases: int = 200
    fields: int = 2_000
    depth: int = 15
    cost: int = 50_000

    def parse(self, query: str) -> DocumentNode:
        """Parse a text and hold its shape against the limits.

        Raises LimitError, which names the limit, and GraphQLSyntaxError.
        """
        if len(query) > self.length:
            raise over("length", self.length, f"{len(query)} characters")
        try:
            document = parse(query, max_tokens=self.tokens)
        except GraphQLSyntaxError as error:
            if "tokens. Parsing aborted" in error.message:
                raise over("tokens", self.tokens, f"more than {self.tokens} tokens") from None
            raise
        _Shape(document).hold(self)
        return document


def over(name: str, limit: int, had: str, advice: str = "") -> LimitError:
    return LimitError(f"The query has {had}; the limit `{name}` is {limit}.{advice and ' ' + advice}")


class _Shape:
    """Counts what a document holds. Walks without recursion: depth is what it guards against."""

    def __init__(self, document: DocumentNode) -> None:
        self._document = document
        self._fragments = fragments_of(document)
        self._deepest: dict[str, int] = {}

    def hold(self, limits: Limits) -> None:
        aliases, fields = self._count()
        if aliases > limits.aliases:
            raise over("aliases", limits.aliases, f"{aliases} aliases")
        if fields > limits.fields:
            raise over("fields", limits.fields, f"{fields} fields")
        for node in self._document.definitions:
            if isinstance(node, OperationDefinitionNode):
                self._check_depth(node.selection_set, limits.depth)

    def _count(self) -> tuple[int, int]:
        aliases = fields = 0
        pending = [
            node.selection_set
            for node in self._document.definitions
            if isinstance(node, OperationDefinitionNode | FragmentDefinitionNode)
        ]
        while pending:
            for node in pending.pop().selections:
                if isinstance(node, FieldNode):
                    fields += 1
                    aliases += node.alias is not None
                if (inner := getattr(node, "selection_set", None)) is not None:
                    pending.append(inner)
        return aliases, fields

    def _check_depth(self, root: SelectionSetNode, limit: int) -> None:
        pending = [(root, 1)]
        while pending:
            selections, level = pending.pop()
            if level > limit and any(isinstance(node, FieldNode) for node in selections.selections):
                raise over("depth", limit, f"at least {level} levels of fields")
            pending += self._inner(selections, level)

    def _inner(self, selections: SelectionSetNode, level: int) -> list[tuple[SelectionSetNode, int]]:
        inner = []
        for node in selections.selections:
            if isinstance(node, FieldNode):
                if node.selection_set and not node.name.value.startswith("__"):
                    inner.append((node.selection_set, level + 1))
            elif isinstance(node, InlineFragmentNode):
                inner.append((node.selection_set, level))
            elif isinstance(node, FragmentSpreadNode):
                inner += self._spread(node.name.value, level)
        return inner

    def _spread(self, name: str, level: int) -> list[tuple[SelectionSetNode, int]]:
        """A fragment again only where it lies deeper than before, which also ends cycles."""
        fragment = self._fragments.get(name)
        if fragment is None or level <= self._deepest.get(name, 0):
            return []
        self._deepest[name] = level
        return [(fragment.selection_set, level)]


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
