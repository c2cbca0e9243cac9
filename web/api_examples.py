"""Queries to begin with, each of which opens in GraphiQL."""

from dataclasses import dataclass
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class Example:
    """`title` is the question that the query answers."""

    title: str
    query: str

    @property
    def href(self) -> str:
        return f"/graphql?{urlencode({'query': self.query})}"


EXAMPLES = (
    Example(
        "How is each agent doing?",
        """\
{
  agents(first: 20, orderBy: {field: PHEROMONE_SCORE, direction: DESC}) {
    nodes {
      name
      status
      pheromoneScore
      metrics(range: {last: "7d"}) { runs successRate latency { p95Ms } cost { total } }
    }
  }
}
""",
    ),
    Example(
        "What do the runs of a day come to, and of the day before?",
        """\
{
  metrics(range: {last: "24h"}) {
    ...Summary
    previous { ...Summary }
  }
}

fragment Summary on Metrics {
  runs
  successRate
  latency { averageMs p50Ms p95Ms }
  tokens { input output }
  cost { total }
  distinctUsers
  distinctSessions
}
""",
    ),
    Example(
        "How did it go hour by hour?",
        """\
{
  history(range: {last: "24h"}, bucket: HOUR) {
    from
    metrics { runs succeeded failed latency { p95Ms } cost { total } }
  }
}
""",
    ),
    Example(
        "Which errors are the most frequent?",
        """\
{
  topErrors(range: {last: "7d"}, first: 10) {
    type
    message
    count
    firstAt
    lastAt
    lastRun { id agent { name } }
  }
}
""",
    ),
    Example(
        "How do providers compare?",
        """\
{
  breakdown(by: PROVIDER, range: {last: "7d"}) {
    key
    share
    metrics { runs successRate latency { averageMs p95Ms } cost { total perRun } }
  }
}
""",
    ),
    Example(
        "Which versions are in use?",
        """\
{
  agentVersions(first: 20) {
    nodes {
      agent { name }
      version
      isActive
      lastSeenAt
      lifetime { runs successRate averageMs }
    }
  }
}
""",
    ),
    Example(
        "What failed last?",
        """\
{
  runs(first: 10, filter: {status: [FAILED, TIMED_OUT]}) {
    totalCount
    nodes { id startedAt durationMs agent { name } error { type message } }
  }
}
""",
    ),
    Example(
        "What waits, what runs, is the background work done?",
        """\
{
  system {
    healthy
    fault
    queuedRuns
    runningRuns
    agentsWorking
    jobs { name lastStartedAt lastDurationMs nextAt }
  }
}
""",
    ),
)
