"""How the server itself is: what waits, the background work, the database, and how it is set."""

from .pages import Page
from .system_jobs import JOBS
from .system_load import LOAD
from .system_server import SERVER
from .system_storage import STORAGE

PAGE = Page(
    path="/system",
    template="system.html",
    title="System",
    nav="system",
    panels=(LOAD, JOBS, STORAGE, SERVER),
    has_period=False,
    has_project=False,
)
