"""What a caller may see: the ids of projects, or None for all."""

from typing import TypeAlias

Scope: TypeAlias = frozenset[int] | None
