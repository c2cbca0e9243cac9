"""How the server itself does: what the fold has still to do, the background jobs, the pool."""

from collections.abc import Iterable
from importlib.metadata import version

from ..db import PoolUse
from ..resolvers.series import Series
from ..resolvers.system import BackgroundJob
from .exposition import Family, Kind


def build_family() -> Family:
    family = Family("formicary_build_info", Kind.GAUGE, "1, with the version of Formicary.", "version")
    family.add(1, version("formicary"))
    return family


def fold_families(series: Series) -> list[Family]:
    lag = Family(
        "formicary_fold_lag_seconds", Kind.GAUGE, "Age of the oldest batch that stored figures do not hold yet."
    )
    lag.add(series.fold_lag)
    batches = Family("formicary_unfolded_batches", Kind.GAUGE, "Batches that stored figures do not hold yet.")
    batches.add(series.unfolded_batches)
    return [lag, batches]


def job_families(jobs: Iterable[BackgroundJob]) -> list[Family]:
    """Of the jobs that have run; of one that is at work for the first time there is only the start.

    The label is not `job`, since that is what Prometheus calls a set of servers.
    """
    started = Family(
        "formicary_job_last_start_timestamp_seconds",
        Kind.GAUGE,
        "When a background job last began, in Unix time.",
        "job_name",
    )
    duration = Family(
        "formicary_job_last_duration_seconds",
        Kind.GAUGE,
        "Seconds that the last run of a background job took.",
        "job_name",
    )
    failed = Family(
        "formicary_job_failed",
        Kind.GAUGE,
        "1 where the last run of a background job failed, 0 where it did well.",
        "job_name",
    )
    for job in jobs:
        if job.last_started_at is not None:
            started.add(job.last_started_at.timestamp(), job.name)
        if job.last_duration_ms is not None:
            duration.add(job.last_duration_ms / 1000, job.name)
            failed.add(int(job.last_error is not None), job.name)
    return [started, duration, failed]


def pool_families(pool: PoolUse) -> list[Family]:
    connections = Family(
        "formicary_pool_connections",
        Kind.GAUGE,
        "Database connections of this process, by state (used or idle).",
        "state",
    )
    connections.add(pool.size - pool.idle, "used")
    connections.add(pool.idle, "idle")
    most = Family("formicary_pool_max_connections", Kind.GAUGE, "Most database connections of this process.")
    most.add(pool.most)
    waiting = Family("formicary_pool_waiting", Kind.GAUGE, "Tasks of this process that wait for a database connection.")
    waiting.add(pool.waiting)
    return [connections, most, waiting]
