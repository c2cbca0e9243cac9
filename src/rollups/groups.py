"""Groups of errors, in SQL: the failed runs of an hour and a cell's key whose messages are of the same kind."""

from .cells import KEY, key_of_runs
from .fingerprint import ERRED, FINGERPRINT, MESSAGE

COLUMNS = (*KEY, "fingerprint", "message", "runs", "first_at", "last_at", "last_run_id")

_LATEST = "ORDER BY f.started_at DESC, f.id DESC"


def groups_of_runs(runs: str) -> str:
    """A SELECT of `COLUMNS` from `runs`, a FROM list with `r`. The message is the latest run's."""
    key = ", ".join(f"f.{column}" for column in KEY)
    return f"""SELECT {key}, f.fingerprint, (array_agg(f.message {_LATEST}))[1], count(*),
            min(f.started_at), max(f.started_at), (array_agg(f.id {_LATEST}))[1]
        FROM (
            SELECT {key_of_runs()}, r.id, r.started_at, {FINGERPRINT} AS fingerprint, {MESSAGE} AS message
            FROM {runs} WHERE {ERRED}
        ) f
        GROUP BY {key}, f.fingerprint"""
