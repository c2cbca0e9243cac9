"""The overview: what needs attention, how all agents do over a range, and what happened last."""

from . import download
from .download import Download
from .overview_activity import ACTIVITY
from .overview_attention import ATTENTION
from .overview_figures import FIGURES
from .overview_people import PEOPLE
from .pages import Page
from .visit import Visit


def downloads(visit: Visit) -> list[Download]:
    return [download.figures(visit, "Figures over time"), download.runs(visit)]


PAGE = Page(
    path="/",
    template="overview.html",
    title="Overview",
    nav="overview",
    panels=(FIGURES, ATTENTION, ACTIVITY),  # what takes longest is asked first
    later=(PEOPLE,),
    downloads=downloads,
)
