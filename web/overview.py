"""The overview: what needs attention, how all agents do over a range, and what happened last."""

from .overview_activity import ACTIVITY
from .overview_attention import ATTENTION
from .overview_figures import FIGURES
from .overview_people import PEOPLE
from .pages import Page

PAGE = Page(
    path="/",
    template="overview.html",
    title="Overview",
    nav="overview",
    panels=(ATTENTION, FIGURES, ACTIVITY),
    later=(PEOPLE,),
)
