"""Who runs in the sample data. Days and hours are counted back from the moment the data ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .faults import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """`seconds` is the median length of a run's own work, `failing` the share of runs that fail.

    A version that `degrades` is sound on the day it is deployed; by now all its runs fail, six times as slowly.
    """

    name: str
    days_ago: float
    model: str
    seconds: float
    failing: float = 0.015
    deployment: str = "stable"
    degrades: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """`runs_per_day` are those it makes by itself; `calls` are the agents it calls, each with its share of runs.

    `quality` is what a good run is worth to its pheromone score. Of an agent that is `retired_hours_ago` there is
    nothing after that, and it is disabled.
    """

    name: str
    display_name: str
    project: str
    focus_type: str
    provider: str
    cluster: str
    versions: tuple[Version, ...]
    tools: tuple[str, ...]
    faults: tuple[Fault, ...]
    input_tokens: int
    output_tokens: int
    quality: float
    runs_per_day: float = 0
    initiators: tuple[str, ...] = ("api",)
    task_prefix: str = ""
    calls: Mapping[str, float] = field(default_factory=dict)
    files_per_run: float = 0
    running: int = 0
    queued: int = 0
    retired_hours_ago: float = 0

    def version_at(self, hours_ago: float) -> Version:
        """The one that was deployed last by then."""
        return next(version for version in reversed(self.versions) if version.days_ago * 24 >= hours_ago)


SHOP, ENGINEERING = "shop", "engineering"

AGENTS = (
    Agent(
        name="support-triage",
        display_name="Support triage",
        project=SHOP,
        focus_type="routing",
        provider="anthropic",
        cluster="eu-west",
        versions=(
            Version(name="3.1.0", days_ago=45, model="claude-haiku-4-5", seconds=1.9),
            Version(name="3.2.0", days_ago=9, model="claude-haiku-5-5", seconds=1.6),
            Version(name="3.2.1", days_ago=4, model="claude-haiku-5-5", seconds=1.5, failing=0.01),
        ),
        tools=("classify_intent", "find_customer", "hand_over"),
        faults=(Fault("ValidationError", "the answer is not valid JSON: unexpected end at character {number}"),),
        input_tokens=1_900,
        output_tokens=160,
        quality=0.95,
        runs_per_day=560,
        initiators=("web-chat", "e-mail", "web-chat"),
        task_prefix="ticket-",
        calls={"order-lookup": 0.5, "refund-assistant": 0.24},
        running=2,
    ),
    Agent(
        name="order-lookup",
        display_name="Order lookup",
        project=SHOP,
        focus_type="retrieval",
        provider="openai",
        cluster="eu-west",
        versions=(
            Version(name="1.8.2", days_ago=60, model="gpt-5-mini", seconds=1.3),
            Version(name="1.9.0", days_ago=6, model="gpt-5.4-mini", seconds=0.9, failing=0.008),
        ),
        tools=("find_order", "track_parcel"),
        faults=(Fault("ToolError", "find_order: the order service answered {code}"),),
        input_tokens=1_100,
        output_tokens=90,
        quality=0.97,
        runs_per_day=90,
        initiators=("api", "mobile-app"),
    ),
    Agent(
        name="refund-assistant",
        display_name="Refund assistant",
        project=SHOP,
        focus_type="customer service",
        provider="anthropic",
        cluster="eu-west",
        versions=(
            Version(name="2.3.0", days_ago=50, model="claude-sonnet-4-6", seconds=6.5, failing=0.03),
            Version(name="2.3.1", days_ago=11, model="claude-sonnet-4-6", seconds=6.1, failing=0.025),
            Version(name="2.4.0", days_ago=7, model="claude-sonnet-5", seconds=5.2, failing=0.02),
            Version(name="2.5.0", days_ago=2.6, model="claude-sonnet-5", seconds=5.6, failing=0.03, degrades=True),
        ),
        tools=("find_order", "check_policy", "issue_refund", "send_message"),
        faults=(
            Fault("ToolError", "issue_refund: the payment service answered {code} for order {number}"),
            Fault("MaxTurnsError", "gave up after 25 turns without an answer; the last tool was issue_refund"),
            Fault("TimeoutError", "issue_refund did not return within 60000 ms", "TIMED_OUT", seconds=60),
        ),
        input_tokens=5_400,
        output_tokens=620,
        quality=0.92,
        runs_per_day=40,
        initiators=("web-chat",),
        task_prefix="refund-",
        running=1,
        queued=3,
    ),
    Agent(
        name="product-search",
        display_name="Product search",
        project=SHOP,
        focus_type="retrieval",
        provider="gcp.gemini",
        cluster="us-central",
        versions=(
            Version(name="5.0.0", days_ago=30, model="gemini-2.5-flash", seconds=2.4, failing=0.05),
            Version(name="5.1.0", days_ago=10, model="gemini-3.5-flash", seconds=2.1, failing=0.06),
            Version(name="5.1.1", days_ago=5, model="gemini-3.5-flash", seconds=2.6, failing=0.09, deployment="canary"),
        ),
        tools=("embed_query", "search_catalogue", "rank"),
        faults=(
            Fault("ToolError", "search_catalogue: shard {number} did not answer within 3000 ms"),
            Fault("EmptyAnswerError", "{model} gave no text: stopped for RECITATION"),
        ),
        input_tokens=2_600,
        output_tokens=210,
        quality=0.62,
        runs_per_day=620,
        initiators=("web-search", "mobile-app"),
        running=1,
    ),
    Agent(
        name="code-reviewer",
        display_name="Code reviewer",
        project=ENGINEERING,
        focus_type="code review",
        provider="openai",
        cluster="us-east",
        versions=(
            Version(name="0.14.0", days_ago=28, model="gpt-5.2", seconds=48),
            Version(name="0.15.0", days_ago=8, model="gpt-5.4", seconds=41),
            Version(name="0.15.2", days_ago=3, model="gpt-5.4", seconds=39, failing=0.012),
        ),
        tools=("read_diff", "read_file", "grep", "comment"),
        faults=(
            Fault("ContextLengthError", "{model} takes 400000 tokens; the diff alone has 4{number}"),
            Fault("ToolError", "comment: the forge answered {code} to comment {number}"),
        ),
        input_tokens=31_000,
        output_tokens=1_900,
        quality=0.86,
        runs_per_day=120,
        initiators=("pull-request", "pull-request", "developer"),
        task_prefix="PR-",
        calls={"test-writer": 0.45},
        files_per_run=0.3,
        running=1,
    ),
    Agent(
        name="test-writer",
        display_name="Test writer",
        project=ENGINEERING,
        focus_type="testing",
        provider="anthropic",
        cluster="us-east",
        versions=(
            Version(name="1.0.0", days_ago=21, model="claude-sonnet-4-6", seconds=75, failing=0.03),
            Version(name="1.1.0", days_ago=6, model="claude-opus-4-8", seconds=66, failing=0.02),
        ),
        tools=("read_file", "write_file", "run_tests"),
        faults=(
            Fault("TestsFailedError", "run_tests: test_case_{number} still fails after 5 attempts"),
            Fault("TimeoutError", "run_tests did not return within 300000 ms", "TIMED_OUT", seconds=300),
        ),
        input_tokens=24_000,
        output_tokens=3_800,
        quality=0.8,
        runs_per_day=30,
        initiators=("developer",),
        task_prefix="PR-",
        files_per_run=2.2,
        queued=1,
    ),
    Agent(
        name="market-researcher",
        display_name="Market researcher",
        project=ENGINEERING,
        focus_type="research",
        provider="gcp.gemini",
        cluster="us-central",
        versions=(
            Version(name="2.0.0", days_ago=40, model="gemini-2.5-pro", seconds=140, failing=0.02),
            Version(name="2.1.0", days_ago=12, model="gemini-3.1-pro-preview", seconds=125, failing=0.015),
        ),
        tools=("search_web", "open_page", "take_note"),
        faults=(Fault("ToolError", "open_page: the page answered {code}"),),
        input_tokens=62_000,
        output_tokens=2_600,
        quality=0.9,
        runs_per_day=70,
        initiators=("schedule", "analyst"),
        task_prefix="topic-",
        files_per_run=0.6,
        running=1,
        queued=2,
    ),
    Agent(
        name="legacy-migrator",
        display_name="Legacy migrator",
        project=ENGINEERING,
        focus_type="refactoring",
        provider="openai",
        cluster="us-east",
        versions=(
            Version(name="0.8.0", days_ago=70, model="gpt-4.1", seconds=95, failing=0.07),
            Version(name="0.9.0", days_ago=10, model="gpt-5.1", seconds=88, failing=0.06),
        ),
        tools=("read_file", "write_file", "compile"),
        faults=(Fault("CompileError", "compile: 212 errors in module billing, the first at line {number}"),),
        input_tokens=38_000,
        output_tokens=5_200,
        quality=0.66,
        runs_per_day=85,
        initiators=("schedule",),
        task_prefix="module-",
        files_per_run=3.5,
        retired_hours_ago=121,
    ),
)

BY_NAME: dict[str, Agent] = {agent.name: agent for agent in AGENTS}
