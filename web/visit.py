"""One request for a page by somebody who may read."""

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request

from formicary.auth import Principal
from formicary.config import Settings
from formicary.db import Database
from formicary.resolvers.loaders import Loaders
from formicary.resolvers.ranges import ResolvedRange
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.scope import Scope
from formicary.resolvers.spans import Bucket

from .period import bucket_of
from .place import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Who asks what, and when: all parts of a page are as of the same `now`."""

    request: Request
    database: Database
    settings: Settings
    principal: Principal
    place: Place
    now: datetime
    registry: Loaders

    @property
    def scope(self) -> Scope:
        return self.principal.project_ids

    @property
    def range(self) -> ResolvedRange:
        """The page's stretch of time. Raises BadInputError for one that is too long or ends before it begins."""
        return self.place.period.range(self.now)

    @property
    def bucket(self) -> Bucket:
        """The step of the page's charts."""
        return bucket_of(self.range)

    @property
    def where(self) -> RunFilter:
        """The runs of the page's project, or all."""
        return RunFilter(project=self.place.project)

    def loaders(self) -> Loaders:
        """The same ones for all parts of a page: what several of them ask for is read once."""
        return self.registry
