"""How many runs a list has: the same number as the figures say of its filter, and found as fast where cells know it."""

from dataclasses import dataclass, replace
from datetime import datetime

from ..db import Database
from . import error_groups, figures, run_page
from .layers import AGENTS
from .question import Question, Wants
from .ranges import ResolvedRange, TimeRange, resolve
from .reading import HorizonError, RunsHorizonError, snapshot
from .run_filter import RunFilter
from .scope import Scope

NUMBERS = Wants(sums=frozenset())


@dataclass(frozen=True, slots=True)
class Total:
    """`runs` are all that there were, as far as that is known.

    Those that started before `dropped_before` cannot be listed any more: `dropped` of them, None where nothing tells
    how many there were. `dropped_before` is None where the range begins later.
    """

    runs: int
    dropped: int | None = 0
    dropped_before: datetime | None = None


async def total(db: Database, scope: Scope, where: RunFilter) -> Total:
    """Of the runs that a filter with a range leaves. Raises BadInputError for a range that is none."""
    range_ = resolve(where.range or TimeRange())
    async with snapshot(db) as found:
        horizon = found.runs_since
    if range_.from_ >= horizon:
        return Total(await _count(db, scope, where, range_))
    try:
        return await _with_dropped(db, scope, where, range_, horizon)
    except HorizonError:
        return Total(await run_page.count(db, scope, where), None, horizon)


async def _with_dropped(
    db: Database, scope: Scope, where: RunFilter, range_: ResolvedRange, horizon: datetime
) -> Total:
    """Raises HorizonError where nothing tells of dropped runs."""
    if not _is_in_cells(where, range_):
        raise RunsHorizonError(horizon)
    before = ResolvedRange(range_.from_, min(range_.to, horizon))
    runs, dropped = await _count(db, scope, where, range_), await _count(db, scope, where, before)
    return Total(runs, dropped, horizon)


async def _count(db: Database, scope: Scope, where: RunFilter, range_: ResolvedRange) -> int:
    """What no cell tells is counted: that takes half the time of reading it as a figure."""
    if not _is_in_cells(where, range_):
        return await run_page.count(db, scope, where)
    if where.fingerprint is not None:
        return await error_groups.count(db, scope, range_, where)
    return (await figures.read(db, scope, Question(range_, replace(where, range=None), wants=NUMBERS))).metrics().runs


def _is_in_cells(where: RunFilter, range_: ResolvedRange) -> bool:
    return AGENTS.can_answer(Question(range_, replace(where, range=None, fingerprint=None), wants=NUMBERS))
