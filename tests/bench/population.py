"""What the measured runs look like: a skewed population of agents over a month, the same for a seed.

Python (request bodies) and SQL (millions of rows) draw from the same values with the same weights. A draw from
a list is log-uniform: of n values the k-th comes up about 1/k as often as the first.
"""

from datetime import timedelta

AGENTS = 200
VERSIONS = 3
DAYS = 30
SPAN = timedelta(days=DAYS)

PROJECTS = ("default", "research", "support", "billing")
MODELS = (
    ("openai", "gpt-4o"),
    ("anthropic", "claude-sonnet-4-5"),
    ("openai", "gpt-4o-mini"),
    ("google", "gemini-2.5-flash"),
    ("anthropic", "claude-haiku-4-5"),
    ("openai", "o3-mini"),
    ("google", "gemini-2.5-pro"),
    ("mistral", "mistral-large"),
)
TOOLS = ("search", "read_file", "write_file", "run_tests", "browse", "sql_query", "send_mail", "deploy")
INITIATORS = ("api", "cron", "webhook", "chat", "ci")
ERRORS = (
    ("TimeoutError", "timeout after {} ms while waiting for the model"),
    ("RateLimitError", "429 from provider: retry after {} s"),
    ("ToolError", "tool search returned status {}"),
    ("ValidationError", "output does not match the schema at /items/{}"),
    ("ContextLengthError", "prompt has {} tokens, more than the model takes"),
    ("ConnectionError", "connection to upstream-{} was reset"),
)
REGIONS = ("eu-west-1", "us-east-1", "ap-south-1")

SHARES = {"SUCCEEDED": 0.94, "FAILED": 0.035, "TIMED_OUT": 0.015, "CANCELLED": 0.01}
UNFINISHED_SHARE = 0.001
"""Of all runs, those that started last are still queued or running."""

USERS = 20_000
RUNS_PER_SESSION = 12
RUNS_PER_TASK = 5
RARE_ONE_IN = 500_000
"""So seldom a run has the rare value of a column, `rare-…`."""

DURATION_MS = (200, 120_000)
INPUT_TOKENS = (300, 30_000)
OUTPUT_TOKENS = (50, 4_000)
USD_PER_MILLION_TOKENS = (3, 15)


def agent_name(number: int) -> str:
    return f"agent-{number:03}"


def project_of(agent: int) -> str:
    return PROJECTS[agent % len(PROJECTS)]


def version_name(number: int) -> str:
    return f"1.0.{number}"
