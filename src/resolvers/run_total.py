"""How many runs a list has: the same number as the figures say of its filter, and found as fast where cells know it."""

from dataclasses import dataclass, replace
from datetime import datetime

from ..db import Database
from . import error_groups, figures, run_page
from .question import Question, Wants
from .ranges import ResolvedRange, TimeRange, resolve
from .reading import HorizonError, snapshot
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
    try:
        return await _of_figures(db, scope, where, range_, horizon)
    except HorizonError:
        return Total(await run_page.count(db, scope, where), None, horizon)


async def _of_figures(db: Database, scope: Scope, where: RunFilter, range_: ResolvedRange, horizon: datetime) -> Total:
    """Raises HorizonError where that takes runs that have been dropped."""
    runs = await _count(db, scope, where, range_)
    if range_.from_ >= horizon:
        return Total(runs)
    return Total(runs, await _count(db, scope, where, ResolvedRange(range_.from_, min(range_.to, horizon))), horizon)


async def _count(db: Database, scope: Scope, where: RunFilter, range_: ResolvedRange) -> int:
    if where.fingerprint is not None:
        return await error_groups.count(db, scope, range_, where)
    question = Question(range_, replace(where, range=None), wants=NUMBERS)
    return (await figures.read(db, scope, question)).metrics().runs
