"""Stands in for OpenAI where no OPENAI_API_KEY is set, so that the examples run without one, and offline.

It knows one model. A question makes that call the tool `temperature`, what the tool gives makes it answer in words;
the two calls take 50 and 80 tokens in (40 of them from a cache), 10 and 20 out. To any other model's name it answers
as OpenAI does: there is no such model.
"""

import json
import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple

MODEL = "gpt-5-mini"


class Answer(NamedTuple):
    """`text`, or else a call of the tool."""

    text: str | None
    input_tokens: int
    cached_tokens: int
    output_tokens: int


ASK_TOOL = Answer(None, 50, 0, 10)
SAY = Answer("It is 21 degrees in Oslo.", 80, 40, 20)
TOOL_CALL = {"name": "temperature", "arguments": '{"city": "Oslo"}'}


def completion(answer: Answer) -> dict[str, Any]:
    """Of the Chat Completions API."""
    call = {"id": "call_1", "type": "function", "function": TOOL_CALL}
    message = {"content": answer.text} if answer.text else {"content": None, "tool_calls": [call]}
    choice = {
        "index": 0,
        "message": {"role": "assistant", **message},
        "finish_reason": "stop" if answer.text else "tool_calls",
    }
    usage = {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": answer.output_tokens,
        "total_tokens": answer.input_tokens + answer.output_tokens,
        "prompt_tokens_details": {"cached_tokens": answer.cached_tokens},
    }
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL,
        "choices": [choice],
        "usage": usage,
    }


def chunks(answer: Answer) -> Iterator[dict[str, Any]]:
    """The same as a stream: the message, why it ended, what it took."""
    whole = completion(answer)
    (choice,) = whole["choices"]
    delta = choice["message"]
    for index, call in enumerate(delta.get("tool_calls", ())):
        call["index"] = index
    for choices, usage in (
        ([{"index": 0, "delta": delta, "finish_reason": None}], None),
        ([{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}], None),
        ([], whole["usage"]),
    ):
        yield {**whole, "object": "chat.completion.chunk", "choices": choices, "usage": usage}


def response(answer: Answer) -> dict[str, Any]:
    """Of the Responses API."""
    text = {"type": "output_text", "text": answer.text, "annotations": []}
    item = (
        {"type": "message", "id": "msg_1", "role": "assistant", "content": [text]}
        if answer.text
        else {"type": "function_call", "id": "fc_1", "call_id": "call_1", **TOOL_CALL}
    )
    usage = {
        "input_tokens": answer.input_tokens,
        "input_tokens_details": {"cached_tokens": answer.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": answer.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": answer.input_tokens + answer.output_tokens,
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 0,
        "status": "completed",
        "model": MODEL,
        "output": [{**item, "status": "completed"}],
        "usage": usage,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if request["model"] != MODEL:
            message = f"The model `{request['model']}` does not exist or you do not have access to it."
            self.answer({"error": {"message": message, "code": "model_not_found", "param": None}}, 404)
            return
        if self.path.endswith("/responses"):
            self.answer(response(SAY if request["input"][-1].get("type") == "function_call_output" else ASK_TOOL))
            return
        answer = SAY if request["messages"][-1]["role"] == "tool" else ASK_TOOL
        if request.get("stream"):
            events = [*map(json.dumps, chunks(answer)), "[DONE]"]
            self.send("".join(f"data: {event}\n\n" for event in events), "text/event-stream")
        else:
            self.answer(completion(answer))

    def answer(self, body: dict[str, Any], status: int = 200) -> None:
        self.send(json.dumps(body), "application/json", status)

    def send(self, body: str, content_type: str, status: int = 200) -> None:
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: what counts is what the example prints."""


def start() -> None:
    """Answer from now on, where no OPENAI_API_KEY is set."""
    if os.environ.get("OPENAI_API_KEY"):
        return
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    os.environ["OPENAI_API_KEY"] = "none"
    os.environ["OPENAI_BASE_URL"] = f"http://127.0.0.1:{server.server_port}/v1"
