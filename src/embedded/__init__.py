"""The embedded PostgreSQL: a server of one's own in a directory, with no set-up.

    with EmbeddedPostgres(settings.data_path) as server:
        pool = await Database.open(server.dsn, settings)

binaries.py finds PostgreSQL, account.py decides which user runs it, cluster.py keeps one data directory,
supervisor.py lets any number of processes share the server.
"""

from .supervisor import EmbeddedPostgres

__all__ = ["EmbeddedPostgres"]
