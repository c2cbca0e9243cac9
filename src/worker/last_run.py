from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LastRun:
    """How a job went the last time. Without a duration it is still at work, or was killed before its end."""

    started_at: datetime
    duration_ms: int | None
    error: str | None

    @property
    def went_well(self) -> bool:
        return self.duration_ms is not None and self.error is None
