"""The statement behind every figure: cells of the tiers, and runs where these hold none yet, added up.

A stale cell is replaced by the layer below (see models/rollup.py), all within one statement and so one snapshot:
whatever was committed before a figure is asked for is in it, once.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from ..models.rollup import Tier
from ..rollups.cells import (
    HOUR_OF_RUN,
    IS_SESSION,
    IS_USER,
    OF_CELLS,
    OF_RUNS,
    SESSION,
    TIMED,
    USER,
    bucket_entry,
    held,
)
from ..rollups.histogram import BOUNDS
from .array_bytes import sent_elements
from .layers import AGENTS, PROJECTS, RUNS, Layer
from .question import Question, Source
from .reading import Reading
from .spans import Span, Spans, start_sql
from .statement import Statement

DAYS_HOURS = "c.starts_at >= {day} AND c.starts_at < {day} + interval '24 hours'"


LEDGER = """run_batch b
    CROSS JOIN LATERAL unnest(b.agent_ids, b.first_ids, b.last_ids) AS e (agent_id, first_id, last_id)
    JOIN run r ON r.agent_id = e.agent_id AND r.id >= e.first_id AND r.id <= e.last_id
        AND r.started_at >= b.started_from AND r.started_at <= b.started_to AND r.batch_id = b.id"""

RUNS_OF_HOURS = """rollup_stale h
    JOIN run r ON r.agent_id = h.owner_id
        AND r.started_at >= h.starts_at AND r.started_at < h.starts_at + interval '1 hour'"""

AGENTS_HOURS = """rollup_stale h
    JOIN agent a ON a.project_id = h.owner_id
    JOIN run_hour c ON c.agent_id = a.id AND c.starts_at = h.starts_at"""

OF_STALE_DAY = f"""
    JOIN rollup_stale d ON d.tier = {Tier.PROJECT_DAY:d} AND d.owner_id = h.owner_id
        AND d.starts_at = date_trunc('day', h.starts_at, 'UTC')"""

SUMMED = (
    "messages",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "token_runs",
    "cost",
    "estimated_runs",
    "unknown_runs",
    "files_created",
    "files_modified",
    "timed_runs",
    "duration_ms",
    "min_duration_ms",
    "max_duration_ms",
)
"""The fields of `Sums` that are columns of cells, in their order."""

OUTCOMES = ("c.status = 2", "c.status IN (3, 5)", "c.status = 4")
"""Succeeded, failed, cancelled."""

MERGED = """WITH c ({columns}) AS ({parts}
)
SELECT {chosen}
FROM (SELECT c.owner, c.key, c.bucket, {sums} FROM c GROUP BY 1, 2, 3) s{joins}"""

DURATIONS = sent_elements("c.durations")

# Distinct first: that hashes, and count(DISTINCT e) would sort, millions of hashes for a month of all agents. Each
# column that is hashed with them counts.
VISITORS = f"""
LEFT JOIN (
    SELECT {{columns}}count(*) FILTER (WHERE {IS_USER}) AS users, count(*) FILTER (WHERE {IS_SESSION}) AS sessions
    FROM (SELECT DISTINCT {{columns}}unnest(c.visitors) AS e FROM c) v{{grouped}}
) v ON {{same}}"""


@dataclass(slots=True)
class FigureSql:
    """Builds the SELECT for one question, to be a part of a statement with others.

    If it is `exact`, everything is read from the runs, which are the ends of the spans then, and durations stay
    numbers.
    """

    reading: Reading
    _statement: Statement
    _filters: dict[str, str] = field(default_factory=dict)

    @property
    def question(self) -> Question:
        return self.reading.question

    @property
    def spans(self) -> Spans:
        return self.reading.spans

    def build(self) -> str:
        """Its rows: owner, key, start of the bucket, the fields of `Sums`. Adds its parameters to the statement."""
        parts = list(self._raw() if self.reading.exact else self._tiered())
        return self._merged("\n    UNION ALL".join(parts))

    def _raw(self) -> Iterable[str]:
        for span in self.spans.ends:
            yield self._of_runs("run r", self._during("r.started_at", span))

    def _tiered(self) -> Iterable[str]:
        for span in self.spans.ends:
            yield from self._of_end(span)
        whole = self.spans.whole
        if whole is not None:
            yield self._unfinished(whole)
            yield from self._of_projects() if PROJECTS.can_answer(self.question) else self._of_agents()
            if self.question.source is Source.AUTO:
                yield from self._not_held(whole)

    def _of_end(self, span: Span) -> Iterable[str]:
        """Minutes where they can answer and are held, and runs. Unfinished ones apart, so that both go by an index."""
        minutes = self.reading.minutes_of(span)
        for rest in span.without(minutes) if minutes else (span,):
            yield self._of_runs("run r", f"{self._during('r.started_at', rest)} AND r.status >= 2")
        if minutes:
            yield self._of_cells(PROJECTS, "project_minute c", self._during("c.starts_at", minutes))
        yield self._unfinished(span)

    def _unfinished(self, span: Span) -> str:
        return self._of_runs("run r", f"{self._during('r.started_at', span)} AND r.status IN (0, 1)")

    def _of_projects(self) -> Iterable[str]:
        """Days; the hours around them and under stale days."""
        if self.spans.days is not None:
            during = self._during("c.starts_at", self.spans.days)
            yield self._of_cells(PROJECTS, "project_day c", during + fresh(Tier.PROJECT_DAY, "c.project_id"))
            yield self._of_cells(
                PROJECTS,
                f"rollup_stale d JOIN project_hour c ON c.project_id = d.owner_id AND {_hours_of('d.starts_at')}",
                f"{self._stale('d', Tier.PROJECT_DAY, self.spans.days)}{fresh(Tier.PROJECT_HOUR, 'c.project_id')}",
            )
            yield self._of_agents_for_projects(self.spans.days, AGENTS_HOURS + OF_STALE_DAY)
        for span in self.spans.hours:
            during = self._during("c.starts_at", span)
            yield self._of_cells(PROJECTS, "project_hour c", during + fresh(Tier.PROJECT_HOUR, "c.project_id"))
            yield self._of_agents_for_projects(span, AGENTS_HOURS)

    def _of_agents_for_projects(self, span: Span, tables: str) -> str:
        """What stale hours of projects are made of."""
        return self._of_cells(AGENTS, tables, self._stale("h", Tier.PROJECT_HOUR, span) + self._fresh_hours())

    def _of_agents(self) -> Iterable[str]:
        """Days; the hours around them and under stale days."""
        if self.spans.days is not None:
            during = self._during("c.starts_at", self.spans.days)
            yield self._of_cells(AGENTS, "run_day c", during + fresh(Tier.DAY, "c.agent_id"))
            yield self._of_cells(
                AGENTS,
                f"rollup_stale d JOIN run_hour c ON c.agent_id = d.owner_id AND {_hours_of('d.starts_at')}",
                f"{self._stale('d', Tier.DAY, self.spans.days)}{self._fresh_hours()}",
            )
        for span in self.spans.hours:
            yield self._of_cells(AGENTS, "run_hour c", self._during("c.starts_at", span) + self._fresh_hours())

    def _fresh_hours(self) -> str:
        return "" if self.question.source is Source.STORED else fresh(Tier.HOUR, "c.agent_id")

    def _not_held(self, whole: Span) -> Iterable[str]:
        """The runs under stale hours, and those that are still in the ledger."""
        yield self._of_runs(RUNS_OF_HOURS, f"{self._stale('h', Tier.HOUR, whole)} AND r.status >= 2")
        during = self._during("r.started_at", whole)
        yield self._of_runs(LEDGER, f"{during} AND r.status >= 2{fresh(Tier.HOUR, 'r.agent_id', HOUR_OF_RUN)}")

    def _during(self, column: str, span: Span) -> str:
        arg = self._statement.arg
        return f"{column} >= {arg(span.from_)} AND {column} < {arg(span.to)}"

    def _stale(self, alias: str, tier: Tier, span: Span) -> str:
        return f"{alias}.tier = {tier:d} AND {self._during(f'{alias}.starts_at', span)}"

    def _of_runs(self, tables: str, condition: str) -> str:
        columns = [*self._keys(RUNS), self._bucket("r.started_at"), "r.status"]
        columns += [OF_RUNS[column] for column in self._sums()]
        wants = self.question.wants
        if wants.durations:
            columns.append(f"array_agg({self._duration()}) FILTER (WHERE {TIMED})")
        if wants.people:
            columns.append(f"{_hashes(USER, 'r.user_id')} || {_hashes(SESSION, 'r.session_id')}")
        return _select(columns, tables, condition + self._filter(RUNS)) + "\n    GROUP BY 1, 2, 3, 4"

    def _of_cells(self, layer: Layer, tables: str, condition: str) -> str:
        columns = [*self._keys(layer), self._bucket("c.starts_at"), "c.status"]
        bounds = self._bounds() if self.question.wants.durations else ""
        columns += [held(column, bounds) for column in (*self._sums(), *self._lists())]
        return _select(columns, tables, condition + self._filter(layer))

    def _keys(self, layer: Layer) -> tuple[str, str]:
        return layer.keys[self.question.within], layer.keys[self.question.by]

    def _sums(self) -> list[str]:
        """The columns of cells that are added up: what takes long to add is not read in vain."""
        wanted = self.question.wants.sums
        return ["runs", *(column for column in SUMMED if wanted is None or column in wanted)]

    def _lists(self) -> list[str]:
        """The columns of cells that are arrays."""
        wants = self.question.wants
        return [*(["durations"] if wants.durations else []), *(["visitors"] if wants.people else [])]

    def _filter(self, layer: Layer) -> str:
        """What the filter asks of a layer; only of one that is read, since every parameter has to be used."""
        if layer.name not in self._filters:
            narrowed = Statement(args=self._statement.args)
            layer.narrow(narrowed, self.reading.where)
            if self.question.by in layer.only:
                narrowed.conditions.append(layer.only[self.question.by])
            self._filters[layer.name] = "".join(f" AND {condition}" for condition in narrowed.conditions)
        return self._filters[layer.name]

    def _duration(self) -> str:
        return "r.duration_ms" if self.reading.exact else bucket_entry("r.duration_ms", self._bounds())

    def _bounds(self) -> str:
        return self._statement.arg_once(BOUNDS)

    def _bucket(self, column: str) -> str:
        bucket = self.question.bucket
        return "'epoch'::timestamptz" if bucket is None else start_sql(bucket, column)

    def _merged(self, parts: str) -> str:
        wants = self.question.wants
        people = [f"coalesce(v.{name}, 0)" if wants.people else "NULL::bigint" for name in ("users", "sessions")]
        return MERGED.format(
            columns=", ".join(["owner", "key", "bucket", "status", *self._sums(), *self._lists()]),
            parts=parts,
            chosen=", ".join(["s.*", *people]),
            sums=", ".join([*sums(self._sums()), DURATIONS if wants.durations else "NULL::bytea"]),
            joins=self._visitors() if wants.people else "",
        )

    def _visitors(self) -> str:
        question = self.question
        groups = {"owner": question.within, "key": question.by, "bucket": question.bucket}
        names = [name for name, by in groups.items() if by is not None]
        return VISITORS.format(
            columns="".join(f"{name}, " for name in names),
            grouped=f" GROUP BY {', '.join(names)}" if names else "",
            same=" AND ".join(f"v.{name} = s.{name}" for name in names) or "true",
        )


def fresh(tier: Tier, owner: str, starts_at: str = "c.starts_at") -> str:
    """Condition: what a tier holds of an owner is to be used."""
    return (
        f" AND NOT EXISTS (SELECT 1 FROM rollup_stale s"
        f" WHERE s.tier = {tier:d} AND s.owner_id = {owner} AND s.starts_at = {starts_at})"
    )


def _hours_of(day: str) -> str:
    return DAYS_HOURS.format(day=day)


def _hashes(hash_: str, column: str) -> str:
    return f"array_agg({hash_}) FILTER (WHERE {column} IS NOT NULL)"


def _select(columns: Iterable[str], tables: str, condition: str) -> str:
    return f"\n    SELECT {', '.join(columns)}\n    FROM {tables}\n    WHERE {condition}"


def sums(read: Collection[str] = SUMMED) -> Iterable[str]:
    """The fields of `Sums` up to the longest duration, in their order; NULL for columns that are not read."""
    yield OF_CELLS["runs"]
    for outcome in OUTCOMES:
        yield f"coalesce(sum(c.runs) FILTER (WHERE {outcome}), 0)::bigint"
    for column in SUMMED:
        yield OF_CELLS[column] if column in read else f"NULL::{'numeric' if column == 'cost' else 'bigint'}"
