"""The room that the database takes, for whoever may see every project."""

from dataclasses import dataclass

from formicary.resolvers import storage
from formicary.resolvers.storage import Storage

from .panels import Panel
from .visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageContext:
    """None for a key that is bound to projects."""

    storage: Storage | None


async def read(visit: Visit) -> StorageContext:
    return StorageContext(storage=await storage.storage(visit.database) if visit.scope is None else None)


STORAGE = Panel(name="storage", template="system_storage.html", read=read)
