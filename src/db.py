"""The one pool of connections, with limits and timeouts, and the errors it can give.

Hot statements go straight to asyncpg; `select` serves SQLModel statements for the small administrative reads
over the same pool.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Self, TypeAlias, TypeVar

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import JSON, Column, inspect
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlmodel import SQLModel
from sqlmodel.sql.expression import SelectOfScalar

from .config import Settings
from .errors import BadInputError, LimitError, OverloadedError, UnavailableError

log = logging.getLogger(__name__)

Connection: TypeAlias = PoolConnectionProxy
Model = TypeVar("Model", bound=SQLModel)
QueryListener = Callable[[Any], None]

CLOSING_SECONDS = 10
DIALECT = asyncpg_dialect()  # type: ignore[no-untyped-call]

SERVER_GONE: tuple[type[Exception], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
CONNECTION_LOST: tuple[type[Exception], ...] = (OSError, *SERVER_GONE)
"""What is raised when the server went away or cannot take us; nothing that was not committed is kept."""


class _Session(asyncpg.Connection):  # type: ignore[misc]
    """A connection that goes back to the pool as it is.

    Nothing here changes a session, and a reset costs a round trip. A transaction left open is still rolled back.
    """

    __slots__ = ("_patience",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._patience: float | None = None

    def get_reset_query(self) -> str:
        return ""

    @contextmanager
    def patient(self, seconds: float) -> Iterator[None]:
        """Wait so long for each statement of the block, whatever the pool's own time for one."""
        self._patience = seconds
        try:
            yield
        finally:
            self._patience = None

    async def execute(self, query: str, *args: object, **options: Any) -> str:
        return str(await super().execute(query, *args, **self._patiently(options)))

    async def fetch(self, query: str, *args: object, **options: Any) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await super().fetch(query, *args, **self._patiently(options))
        return rows

    async def fetchrow(self, query: str, *args: object, **options: Any) -> asyncpg.Record | None:
        return await super().fetchrow(query, *args, **self._patiently(options))

    async def fetchval(self, query: str, *args: object, **options: Any) -> Any:
        return await super().fetchval(query, *args, **self._patiently(options))

    def _patiently(self, options: dict[str, Any]) -> dict[str, Any]:
        return options if self._patience is None else {"timeout": self._patience, **options}

    async def fetch_planned(self, sql: str, *args: object) -> list[asyncpg.Record]:
        with self._time_and_log(sql, args, None):
            statement = await self.prepare(sql, name="")
            rows: list[asyncpg.Record] = await statement.fetch(*args)
            return rows


@dataclass(frozen=True, slots=True)
class PoolUse:
    """Connections that are open, those of them that nobody uses, the most there may be, and who waits for one."""

    size: int
    idle: int
    most: int
    waiting: int


class Database:
    """The pool of one process. `dsn` is what every connection is made with."""

    def __init__(self, pool: asyncpg.Pool, dsn: str, settings: Settings) -> None:
        self._pool = pool
        self._settings = settings
        self._waiting = 0
        self._queues: dict[str, asyncio.Lock] = {}
        self.dsn = dsn

    @classmethod
    async def open(cls, dsn: str, settings: Settings, *, on_query: QueryListener | None = None) -> Self:
        """Open a pool and a first connection.

        `on_query` is called with asyncpg's record of every statement (tests count with it).
        """

        async def prepare(connection: asyncpg.Connection) -> None:
            connection.add_query_logger(_SlowStatements(settings.slow_statement_ms))
            if on_query is not None:
                connection.add_query_logger(on_query)

        pool = await asyncpg.create_pool(
            dsn,
            min_size=0,  # asyncpg logs a traceback again and again while it cannot keep more
            max_size=settings.pool_size,
            connection_class=_Session,
            command_timeout=_patience(settings),
            max_inactive_connection_lifetime=120,
            statement_cache_size=0 if settings.pgbouncer else 200,
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=0,  # the longest are those that take longest to plan
            server_settings=_session_settings(settings),
            init=prepare,
        )
        async with pool.acquire():
            return cls(pool, dsn, settings)

    def limited(self, most: int) -> "Database":
        """The same pool for work that may use at most so many of its connections at a time, and waits for them.

        A task that holds one of them must not ask for another: RuntimeError.
        """
        return _Limited(self, most)

    def queue(self, name: str) -> asyncio.Lock:
        """Where tasks that would wait for one another in the database do so without a connection of their own."""
        return self._queues.setdefault(name, asyncio.Lock())

    async def close(self) -> None:
        """Wait for what is under way, but not for ever."""
        try:
            await asyncio.wait_for(self._pool.close(), CLOSING_SECONDS)
        except TimeoutError:
            log.warning("statements are still running after %d s: their connections are cut", CLOSING_SECONDS)
            self._pool.terminate()

    @asynccontextmanager
    async def connection(self, *, writes: bool = False) -> AsyncIterator[Connection]:
        """A connection for a short while.

        Raises OverloadedError when none is free within `pool_timeout`, UnavailableError when the server is away,
        BadInputError for text with a NUL. When a statement takes longer than `statement_timeout`, what reads has
        asked for too much (LimitError), and what writes has waited behind others (OverloadedError).
        """
        connection = await self._acquire()
        try:
            yield connection
        except (asyncpg.QueryCanceledError, TimeoutError) as error:
            if writes:
                raise OverloadedError from error
            raise LimitError(f"the database took longer than {self._settings.statement_timeout:g} s") from error
        except asyncpg.CharacterNotInRepertoireError:
            raise BadInputError("Text must not hold a NUL character (U+0000).") from None
        except Exception as error:
            if _is_stuck(error):
                connection.terminate()
            if not (_is_lost(connection) or isinstance(error, SERVER_GONE)):
                raise
            log.warning("the connection to the database was lost: %s", error)
            await self._pool.expire_connections()
            raise UnavailableError from error
        finally:
            await self._release(connection)

    async def _release(self, connection: Connection) -> None:
        """Give a connection back; one that was lost cannot be closed in good order, and is then just dropped."""
        try:
            await self._pool.release(connection)
        except CONNECTION_LOST as error:
            log.debug("a lost connection was dropped: %s", error)

    @property
    def is_embedded(self) -> bool:
        """Whether the server is the one that comes along."""
        return self._settings.database_url is None

    @property
    def pool_use(self) -> PoolUse:
        pool = self._pool
        return PoolUse(pool.get_size(), pool.get_idle_size(), pool.get_max_size(), self._waiting)

    async def _acquire(self) -> Connection:
        self._waiting += 1
        try:
            return await self._pool.acquire(timeout=self._settings.pool_timeout)
        except TimeoutError:
            raise OverloadedError from None
        except CONNECTION_LOST as error:
            raise UnavailableError from error
        finally:
            self._waiting -= 1

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection inside a transaction that is committed when the block ends.

        It is begun once more when the connection turns out to be stale.
        """
        async with self._begun_anew(lambda: self._begun(writes=True)) as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """A connection for statements that read, and that all see the database as it is at the first of them.

        It is begun once more when the connection turns out to be stale.
        """
        async with self._begun_anew(lambda: self._begun(isolation="repeatable_read", readonly=True)) as connection:
            yield connection

    @asynccontextmanager
    async def _begun_anew(
        self, begin: Callable[[], AbstractAsyncContextManager[Connection]]
    ) -> AsyncIterator[Connection]:
        async with AsyncExitStack() as stack:
            try:
                connection = await stack.enter_async_context(begin())
            except OverloadedError:
                raise
            except UnavailableError:
                connection = await stack.enter_async_context(begin())
            yield connection

    @asynccontextmanager
    async def _begun(self, *, writes: bool = False, **options: Any) -> AsyncIterator[Connection]:
        async with self.connection(writes=writes) as connection, connection.transaction(**options):
            yield connection

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """The rows of one reading statement; tried once more when the connection turns out to be stale."""
        return await self._fetch("fetch", sql, args)

    async def fetch_planned(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """Like `fetch`, but planned anew for these very values.

        A statement that is executed often gets a plan for any values, and that can take a thousand times longer for
        a rare one. Planning takes some 0.5 ms, so what goes by keys is better off with `fetch`.
        """
        return await self._fetch("fetch_planned", sql, args)

    async def write(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """The rows of one writing statement that comes to the same when it is repeated.

        It is tried once more when the connection turns out to be stale; by then it may have been committed.
        """
        return await self._fetch("fetch", sql, args, writes=True)

    async def _fetch(
        self, method: str, sql: str, args: tuple[object, ...], *, writes: bool = False
    ) -> list[asyncpg.Record]:
        try:
            return await self._fetch_once(method, sql, args, writes)
        except OverloadedError:
            raise
        except UnavailableError:
            return await self._fetch_once(method, sql, args, writes)

    async def _fetch_once(self, method: str, sql: str, args: tuple[object, ...], writes: bool) -> list[asyncpg.Record]:
        async with self.connection(writes=writes) as connection:
            rows: list[asyncpg.Record] = await getattr(connection, method)(sql, *args)
            return rows

    async def fetchrow(self, sql: str, *args: object) -> asyncpg.Record | None:
        rows = await self.fetch(sql, *args)
        return rows[0] if rows else None

    async def fetchval(self, sql: str, *args: object) -> Any:
        row = await self.fetchrow(sql, *args)
        return None if row is None else row[0]

    async def execute(self, sql: str, *args: object) -> str:
        """Run one writing statement in a transaction of its own; gives PostgreSQL's command tag."""
        async with self.connection(writes=True) as connection:
            return str(await connection.execute(sql, *args))

    async def select(self, statement: SelectOfScalar[Model]) -> list[Model]:
        """The rows of a SQLModel statement as models, for reads that are not hot."""
        model: type[Model] = statement.column_descriptions[0]["entity"]
        compiled = statement.compile(dialect=DIALECT, compile_kwargs={"render_postcompile": True})
        rows = await self.fetch(str(compiled), *(compiled.params[name] for name in compiled.positiontup or ()))
        columns = [(key, column) for key, column in inspect(model).columns.items()]
        return [model(**{key: _value(column, row[column.name]) for key, column in columns}) for row in rows]


class _Limited(Database):
    def __init__(self, whole: Database, most: int) -> None:
        super().__init__(whole._pool, whole.dsn, whole._settings)
        self._whole = whole
        self._free = asyncio.Semaphore(most)
        self._holders: set[asyncio.Task[Any] | None] = set()

    async def _acquire(self) -> Connection:
        task = asyncio.current_task()
        if task in self._holders:
            raise RuntimeError("who holds one of a few connections must not wait for another")
        await self._free.acquire()
        try:
            connection = await self._whole._acquire()
        except BaseException:
            self._free.release()
            raise
        self._holders.add(task)
        return connection

    async def _release(self, connection: Connection) -> None:
        try:
            await self._whole._release(connection)
        finally:
            self._holders.discard(asyncio.current_task())
            self._free.release()


def _value(column: Column[Any], value: Any) -> Any:
    return orjson.loads(value) if isinstance(column.type, JSON) and value is not None else value


def _is_stuck(error: Exception) -> bool:
    """asyncpg takes a connection that is cut while it begins a COPY for one that is still busy, for ever."""
    return any(isinstance(cause, asyncpg.InternalClientError) for cause in (error, error.__context__))


def _is_lost(connection: Connection) -> bool:
    """asyncpg takes a connection that the server has closed from its user at once, and then it cannot be asked."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True


def _patience(settings: Settings) -> float:
    """Seconds for one statement. PostgreSQL ends it by itself first; behind a PgBouncer it knows of no such time."""
    return settings.statement_timeout + (0 if settings.pgbouncer else 5)


def _session_settings(settings: Settings) -> dict[str, str] | None:
    if settings.pgbouncer:
        return None  # it refuses start-up parameters that it does not know
    return {
        "application_name": "formicary",
        "timezone": "UTC",
        "jit": "off",
        "statement_timeout": str(int(settings.statement_timeout * 1000)),
        "idle_in_transaction_session_timeout": "60000",
    }


class _SlowStatements:
    """Logs statements that took long, without their parameters: those can hold what must not be logged."""

    def __init__(self, threshold_ms: float) -> None:
        self._threshold = threshold_ms / 1000

    def __call__(self, query: Any) -> None:
        if query.elapsed >= self._threshold:
            log.warning("slow statement, %.0f ms: %s", query.elapsed * 1000, " ".join(query.query.split())[:500])
