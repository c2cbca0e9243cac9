"""The HTTP requests of this process: how many, with what outcome, and how long they took."""

from bisect import bisect_left
from itertools import accumulate

from .exposition import Family, Kind

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Of the buckets, in seconds."""

_LE = (*(str(bound) for bound in BOUNDS), "+Inf")


class Traffic:
    """Counts requests by endpoint and class of status; a few names each, so that this stays small."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int], list[int]] = {}
        self._seconds: dict[tuple[str, int], float] = {}

    def note(self, endpoint: str, status: int, seconds: float) -> None:
        """A request is over; its status is 0 where the client left before there was one."""
        key = (endpoint, status // 100)
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = [0] * len(_LE)
            self._seconds[key] = 0.0
        counts[bisect_left(BOUNDS, seconds)] += 1
        self._seconds[key] += seconds

    def families(self) -> list[Family]:
        requests = Family(
            "formicary_http_requests_total",
            Kind.COUNTER,
            "HTTP requests that this process has answered, by endpoint and class of status.",
            "endpoint",
            "status",
        )
        for (endpoint, status), counts in sorted(self._counts.items()):
            requests.add(sum(counts), endpoint, f"{status}xx" if status else "aborted")
        durations = Family(
            "formicary_http_request_duration_seconds",
            Kind.HISTOGRAM,
            "Seconds from the head of an HTTP request to the end of its answer, in this process.",
            "endpoint",
        )
        for endpoint in sorted({endpoint for endpoint, _ in self._counts}):
            keys = [key for key in self._counts if key[0] == endpoint]
            buckets = map(sum, zip(*(self._counts[key] for key in keys), strict=True))
            durations.add_histogram(_LE, accumulate(buckets), sum(self._seconds[key] for key in keys), endpoint)
        return [requests, durations]
