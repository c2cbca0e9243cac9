"""How runs fail: the error's type, a message with figures of its own, and how the run ends."""

from dataclasses import dataclass
from random import Random

from ..ingest.run_input import StatusName


@dataclass(frozen=True, slots=True)
class Fault:
    """`seconds` is how long a run takes to fail in this way; None: as long as a good one."""

    type: str
    message: str
    status: StatusName = "FAILED"
    seconds: float | None = None

    def text(self, model: str, rng: Random) -> str:
        return self.message.format(model=model, number=rng.randint(1000, 99_999), code=rng.choice((500, 502, 503)))


OF_PROVIDER = {
    "anthropic": (
        Fault("OverloadedError", "anthropic answered 529: {model} is overloaded, try again later", seconds=1.1),
        Fault("RateLimitError", "anthropic answered 429: {number} input tokens a minute over the limit", seconds=0.4),
    ),
    "openai": (
        Fault("RateLimitError", "openai answered 429: rate limit of {model} reached, retry after 12 s", seconds=0.4),
        Fault("APIConnectionError", "the connection to openai was reset after {number} bytes", seconds=6),
    ),
    "gcp.gemini": (
        Fault("ServiceUnavailable", "gcp.gemini answered {code} for {model}", seconds=2),
        Fault("ResourceExhausted", "gcp.gemini answered 429: quota of {model} used up for this minute", seconds=0.5),
    ),
}

OF_OUTAGE = (
    Fault("TimeoutError", "no answer from {model} within 30000 ms", "TIMED_OUT", seconds=30),
    Fault("TimeoutError", "no answer from {model} within 30000 ms", "TIMED_OUT", seconds=30),
    Fault("ServiceUnavailable", "gcp.gemini answered 503 for {model}", seconds=9),
)
