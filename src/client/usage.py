"""Token usage of a model's answer, whatever library it is from: an object or a dict, in one of a few shapes.

The shapes differ in names and in what their input count leaves out. Anthropic's and Bedrock's leaves out what was
read from or written to the cache, Google's leaves out what tools put into the prompt and its output what was thought;
here input and output are all of it. Of the input, `cached` was read from the provider's cache.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeAlias

_Path: TypeAlias = tuple[str, ...]
_Read: TypeAlias = Callable[[str], object]


class Usage(NamedTuple):
    """Of one answer; what it does not say is missing."""

    model: str | None
    tokens: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Shape:
    """The fields of one shape of usage. `input` and `output` are added up, of `cached` the first counts.

    A usage has the shape if it has the first field of `input`.
    """

    input: tuple[str, ...]
    output: tuple[str, ...]
    cached: tuple[_Path, ...]


_SHAPES = (
    _Shape(  # OpenAI's chat completions, and the many that speak as they do
        input=("prompt_tokens",),
        output=("completion_tokens",),
        cached=(("prompt_tokens_details", "cached_tokens"),),
    ),
    _Shape(  # Anthropic; OpenAI's responses and Agents SDK, LangChain and pydantic-ai, of which the input is whole
        input=("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"),
        output=("output_tokens",),
        cached=(
            ("cache_read_input_tokens",),
            ("input_tokens_details", "cached_tokens"),
            ("input_token_details", "cache_read"),
            ("cache_read_tokens",),
        ),
    ),
    _Shape(  # Google
        input=("prompt_token_count", "tool_use_prompt_token_count"),
        output=("candidates_token_count", "thoughts_token_count"),
        cached=(("cached_content_token_count",),),
    ),
    _Shape(  # Google, as JSON
        input=("promptTokenCount", "toolUsePromptTokenCount"),
        output=("candidatesTokenCount", "thoughtsTokenCount"),
        cached=(("cachedContentTokenCount",),),
    ),
    _Shape(  # Bedrock's converse
        input=("inputTokens", "cacheWriteInputTokens", "cacheReadInputTokens"),
        output=("outputTokens",),
        cached=(("cacheReadInputTokens",),),
    ),
)

_PLACES: tuple[_Path, ...] = (
    ("usage",),
    ("usage_metadata",),
    ("usageMetadata",),
    ("context_wrapper", "usage"),  # a result of the OpenAI Agents SDK
    (),  # a usage by itself
)
_MODELS: tuple[_Path, ...] = (
    ("model",),
    ("model_version",),
    ("modelVersion",),
    ("response_metadata", "model_name"),
    ("last_agent", "model"),
)


def usage_of(response: object) -> Usage | None:
    """None for what carries no usage."""
    for place in _PLACES:
        usage = _at(response, place)
        if usage is not None:
            read = _reader(usage)
            for shape in _SHAPES:
                if _tokens(read(shape.input[0])) is not None:
                    return Usage(_model_of(response), _tokens_of(shape, usage, read))
    return None


def _model_of(response: object) -> str | None:
    return next((model for path in _MODELS if isinstance(model := _at(response, path), str)), None)


def _tokens_of(shape: _Shape, usage: object, read: _Read) -> dict[str, int]:
    tokens = {
        "input_tokens": _sum(shape.input, read),
        "output_tokens": _sum(shape.output, read),
        "cached_input_tokens": next((n for path in shape.cached if (n := _tokens(_at(usage, path))) is not None), None),
    }
    return {name: number for name, number in tokens.items() if number is not None}


def _sum(fields: Iterable[str], read: _Read) -> int | None:
    counts = [count for field in fields if (count := _tokens(read(field))) is not None]
    return sum(counts) if counts else None


def _tokens(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _at(source: object, path: _Path) -> object:
    """What lies there; None if nothing does."""
    for name in path:
        source = _reader(source)(name)
    return source


def _reader(source: object) -> _Read:
    """Reads keys of a dict or attributes of an object; what is missing is None."""
    return source.get if isinstance(source, dict) else partial(_attribute, source)


def _attribute(source: object, name: str) -> object:
    return getattr(source, name, None)
