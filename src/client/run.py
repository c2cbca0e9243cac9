"""One run of an agent, from its start to its end."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Self, TypeAlias, Unpack

from .facts import Facts, RunKey
from .message import Message
from .notices import Notices
from .outcome import SUCCEEDED, Outcome, message, outcome_of
from .quiet import quietly
from .usage import usage_of
from .values import texts

Record: TypeAlias = Callable[[Message], None]

_current: ContextVar["Run | None"] = ContextVar("formicary_run", default=None)
_notices = Notices()


def current_run() -> "Run":
    """The innermost run that this code is part of: of its thread or task, or of the task that started it.

    Where there is none it is one that is recorded nowhere, so that code need not ask whether there is one.
    """
    return _current.get() or Run(
        lambda _: None, {"agent": "", "externalId": "", "project": ""}, "", parent=None, announces=False, facts={}
    )


class Run:
    """Made by `Recorder.run`. It is a context manager, for `with` and `async with`; or call `start` and `end`.

    Nothing here raises, whatever it is given. What is stated after the end is ignored. `key` names the run, also for
    another process that it calls and that gives it as the `parent` of its own run.
    """

    __slots__ = (
        "_announces", "_begun", "_ended", "_facts", "_models", "_outcome", "_parent", "_record", "_started", "_token",
        "key", "version",
    )  # fmt: skip

    def __init__(
        self, record: Record, key: RunKey, version: str, *, parent: "Run | RunKey | None", announces: bool, facts: Facts
    ) -> None:
        self.key = key
        self.version = version
        self._record = record
        self._parent = parent
        self._announces = announces
        self._facts: dict[str, Any] = {**facts}
        self._models: list[str] = []
        self._outcome: Outcome | None = None
        self._ended = False
        self._started, self._begun = 0.0, 0.0
        self._token: Token[Run | None] | None = None

    @quietly
    def start(self) -> None:
        """The run starts now. Its parent is the one that was given, else the innermost run that is under way here."""
        parent = self._parent or _current.get()
        if isinstance(parent, Run):
            parent = parent.key if parent._record == self._record else None
        if parent is not None:
            self._facts["parent"] = parent
        self._started, self._begun = time.time(), time.perf_counter()
        if self._announces:
            self._record(Message(self.key, self.version, "RUNNING", self._started, None, self._facts.copy()))

    @quietly
    def end(self, error: BaseException | None = None) -> None:
        """The run ends now, for the first time that this is called: as failed if there was an error, or `fail`."""
        if self._ended:
            return
        if not self._begun:
            self.start()
        self._ended = True
        length = time.perf_counter() - self._begun
        outcome = outcome_of(error) if error is not None else self._outcome or SUCCEEDED
        if outcome is not SUCCEEDED:
            self._facts |= {"error_type": outcome.error_type, "error_message": outcome.error_message}
        if len(self._models) > 1:
            self._facts.setdefault("models", self._models)
        self._record(
            Message(self.key, self.version, outcome.status, self._started, self._started + length, self._facts)
        )

    @quietly
    def set(self, **facts: Unpack[Facts]) -> None:
        """State facts; a later value replaces an earlier one, and metadata is merged key by key."""
        if self._ended:
            return
        earlier, metadata = self._facts.get("metadata"), facts.get("metadata")
        self._facts.update(facts)
        if earlier is not None and isinstance(earlier, Mapping) and isinstance(metadata, Mapping):
            self._facts["metadata"] = {**earlier, **metadata}

    @quietly
    def usage(self, response: object) -> None:
        """Add the tokens of a model's answer, which may be that of any provider, and note its model.

        OpenAI's (chat completions, responses and results of its Agents SDK), Anthropic's and Google's answers are
        understood, as objects or dicts, and others of these shapes. Call it once for each answer.
        """
        usage = usage_of(response)
        if self._ended:
            return
        if usage is None:
            _notices.tell(f"usage {type(response)}", "a %s tells no usage of tokens", type(response).__qualname__)
            return
        for name, tokens in usage.tokens.items():
            self._facts[name] = (self._facts.get(name) or 0) + tokens
        if usage.model is not None:
            self._answered(usage.model)

    @quietly
    def tool(self, name: str) -> None:
        """The run calls a tool."""
        if not self._ended:
            self._facts["tools"] = [*texts(self._facts.get("tools") or ()), name]

    @quietly
    def first_token(self) -> None:
        """The first token of an answer has come; later calls are ignored."""
        if not self._ended:
            self._facts.setdefault("time_to_first_token_ms", 1000 * (time.perf_counter() - self._begun))

    @quietly
    def fail(self, reason: str, error_type: str | None = None) -> None:
        """The run will end as failed though without an exception."""
        self._outcome = Outcome("FAILED", error_type, message(str(reason)))

    def __enter__(self) -> Self:
        self.start()
        self._token = _current.set(self)
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave()
        self.end(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, type_: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(type_, error, traceback)

    def _leave(self) -> None:
        """There is nothing to go back to in another context, where a generator may be closed that entered the run."""
        if self._token is not None:
            with contextlib.suppress(ValueError, RuntimeError):
                _current.reset(self._token)
            self._token = None

    def _answered(self, model: str) -> None:
        """The last model that answered is the run's, unless one was stated."""
        if self._facts.get("model") in (None, *self._models[-1:]):
            self._facts["model"] = model
        if model not in self._models:
            self._models.append(model)


@contextlib.contextmanager
def under_way(run: Run) -> Iterator[None]:
    """Within the block it is the current run."""
    token = _current.set(run)
    try:
        yield
    finally:
        _current.reset(token)
