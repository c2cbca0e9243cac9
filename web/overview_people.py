"""How many users and sessions the runs of the range have.

To tell them apart takes longer than all other figures together, so the page is shown without them, and the browser
asks for them at once.
"""

from dataclasses import dataclass

from formicary.resolvers import overview

from .meanings import COUNT
from .overview_figures import range_before
from .panels import Panel
from .stat_card import Behind, Card
from .visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleContext:
    """`before` is what they are compared with, in words."""

    people: Card
    before: str


async def read(visit: Visit) -> PeopleContext:
    place = visit.place
    now = await overview.read_people(visit.database, visit.scope, visit.range, project=place.project)
    before, runs = now.previous, Behind(place.runs())
    return PeopleContext(
        people=Card(
            title="People",
            figures=[
                COUNT.figure("users", runs, now.distinct_users, before.distinct_users if before else None),
                COUNT.figure("sessions", runs, now.distinct_sessions, before.distinct_sessions if before else None),
            ],
        ),
        before=range_before(place.period),
    )


PEOPLE = Panel(name="people", template="overview_people.html", read=read, polls=False)
