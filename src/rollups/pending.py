"""The runs that the ledger names, and all others: where to find them, in SQL.

Each place in a batch's arrays is looked up in the primary key of the partitions that the batch reaches into. OFFSET
keeps PostgreSQL from reading whole partitions instead. `ALL` on one value leaves the times to choosing partitions:
given to the index, they would make PostgreSQL 18 skip through it, or take one that is by time.
"""

from .cells import READ


def pending_runs(batches: str, columns: tuple[str, ...] = READ, condition: str = "true") -> str:
    """A FROM list that gives the final runs `r` of rows of the ledger; `batches` is a table or CTE of those."""
    return f"""{batches} b
        CROSS JOIN LATERAL unnest(b.agent_ids, b.first_ids, b.last_ids) AS e (agent_id, first_id, last_id)
        CROSS JOIN LATERAL (
            SELECT {", ".join(f"r.{column}" for column in columns)} FROM run r
            WHERE r.agent_id = e.agent_id AND r.id >= e.first_id AND r.id <= e.last_id
            AND r.started_at >= ALL(ARRAY[b.started_from]) AND r.started_at <= ALL(ARRAY[b.started_to])
            AND r.batch_id = b.id AND r.status >= 2 AND {condition}
            OFFSET 0
        ) r"""


def folded_runs(hours: str) -> str:
    """A FROM list and a condition that give the final runs `r` of hours, without those that the ledger names.

    `hours` is a table or CTE of agents and starts.
    """
    return f"""{hours} h CROSS JOIN LATERAL (
            SELECT {", ".join(f"r.{column}" for column in READ)} FROM run r
            WHERE r.agent_id = h.agent_id AND r.status >= 2
            AND r.started_at >= h.starts_at AND r.started_at < h.starts_at + interval '1 hour'
            OFFSET 0
        ) r
        WHERE NOT EXISTS (SELECT 1 FROM run_batch b WHERE b.id = r.batch_id)"""
