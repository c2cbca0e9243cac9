"""Token usage as the libraries of model providers give it.

The dicts are what the providers' services answer; openai 3.54, anthropic 2.12, google-genai 3.4 and openai-agents 0.24
make objects of them with the same names.
"""

from types import SimpleNamespace
from typing import Any

import pytest

from formicary.client.usage import Usage, usage_of

OPENAI_CHAT = {
    "object": "chat.completion",
    "model": "gpt-5-2025-08-07",
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 10},
    },
}
OPENAI_RESPONSE = {
    "object": "response",
    "model": "gpt-5",
    "usage": {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 30},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 120,
    },
}
ANTHROPIC = {
    "type": "message",
    "model": "claude-haiku-4-5",
    "usage": {
        "input_tokens": 10,
        "cache_creation_input_tokens": 5,
        "cache_read_input_tokens": 80,
        "output_tokens": 7,
    },
}
ANTHROPIC_UNCACHED = {
    "type": "message",
    "model": "claude-haiku-4-5",
    "usage": {
        "input_tokens": 10,
        "cache_creation_input_tokens": None,
        "cache_read_input_tokens": None,
        "output_tokens": 7,
    },
}
GOOGLE = {
    "modelVersion": "gemini-2.5-pro",
    "usageMetadata": {
        "promptTokenCount": 50,
        "candidatesTokenCount": 9,
        "thoughtsTokenCount": 4,
        "toolUsePromptTokenCount": 6,
        "cachedContentTokenCount": 20,
        "totalTokenCount": 69,
    },
}
GOOGLE_SDK = {
    "model_version": "gemini-2.5-pro",
    "usage_metadata": {
        "prompt_token_count": 50,
        "candidates_token_count": 9,
        "thoughts_token_count": 4,
        "tool_use_prompt_token_count": 6,
        "cached_content_token_count": 20,
        "total_token_count": 69,
    },
}
OPENAI_AGENTS = {
    "context_wrapper": {
        "usage": {
            "requests": 2,
            "input_tokens": 100,
            "input_tokens_details": {"cached_tokens": 40},
            "output_tokens": 20,
            "total_tokens": 120,
        }
    },
    "last_agent": {"name": "triage", "model": "gpt-5-mini"},
}
LANGCHAIN = {
    "usage_metadata": {
        "input_tokens": 100,
        "output_tokens": 20,
        "total_tokens": 120,
        "input_token_details": {"cache_read": 25},
    },
    "response_metadata": {"model_name": "gpt-5"},
}
BEDROCK = {"usage": {"inputTokens": 10, "outputTokens": 7, "cacheReadInputTokens": 80, "cacheWriteInputTokens": 5}}
EMBEDDINGS = {"model": "text-embedding-3-small", "usage": {"prompt_tokens": 8, "total_tokens": 8}}

ANSWERS: dict[str, tuple[dict[str, Any], Usage]] = {
    "OpenAI chat": (OPENAI_CHAT, Usage("gpt-5-2025-08-07", {"input": 100, "output": 20, "cached": 64})),
    "OpenAI response": (OPENAI_RESPONSE, Usage("gpt-5", {"input": 100, "output": 20, "cached": 30})),
    "OpenAI embeddings": (EMBEDDINGS, Usage("text-embedding-3-small", {"input": 8})),
    "OpenAI Agents SDK": (OPENAI_AGENTS, Usage("gpt-5-mini", {"input": 100, "output": 20, "cached": 40})),
    "Anthropic": (ANTHROPIC, Usage("claude-haiku-4-5", {"input": 95, "output": 7, "cached": 80})),
    "Anthropic, nothing cached": (ANTHROPIC_UNCACHED, Usage("claude-haiku-4-5", {"input": 10, "output": 7})),
    "Google": (GOOGLE, Usage("gemini-2.5-pro", {"input": 56, "output": 13, "cached": 20})),
    "Google's library": (GOOGLE_SDK, Usage("gemini-2.5-pro", {"input": 56, "output": 13, "cached": 20})),
    "LangChain": (LANGCHAIN, Usage("gpt-5", {"input": 100, "output": 20, "cached": 25})),
    "Bedrock": (BEDROCK, Usage(None, {"input": 95, "output": 7, "cached": 80})),
    "a usage by itself": (OPENAI_CHAT["usage"], Usage(None, {"input": 100, "output": 20, "cached": 64})),  # type: ignore[dict-item]
}
NAMES = {"input": "input_tokens", "output": "output_tokens", "cached": "cached_input_tokens"}


def objects(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return SimpleNamespace(**{name: objects(item) for name, item in value.items()})


@pytest.mark.parametrize("of", [dict, objects], ids=["dicts", "objects"])
@pytest.mark.parametrize("provider", ANSWERS)
def test_input_and_output_are_all_of_it_whoever_answers(provider: str, of: Any) -> None:
    answer, expected = ANSWERS[provider]
    tokens = {NAMES[name]: number for name, number in expected.tokens.items()}
    assert usage_of(of(answer)) == Usage(expected.model, tokens)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "text",
        {},
        {"usage": None},
        {"usage": {}},
        {"usage": {"prompt_tokens": "12"}},
        {"usage": {"input_tokens": True}},
        {"usage": {"output_tokens": 3}},
        object(),
    ],
)
def test_what_carries_no_usage_gives_none(answer: object) -> None:
    assert usage_of(answer) is None
