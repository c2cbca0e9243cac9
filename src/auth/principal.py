"""Who is asking: the same small object for a key and for the open mode of a local server."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from ..errors import ForbiddenError
from ..models.api_key import Role


class Access(StrEnum):
    """What reaching something takes. ADMIN may do all of it; ANY is whoever is known at all."""

    ANY = "ANY"
    INGEST = "INGEST"
    READ = "READ"
    ADMIN = "ADMIN"

    @property
    def roles(self) -> frozenset[Role]:
        return _ROLES[self]


_ROLES: dict[Access, frozenset[Role]] = {
    Access.ANY: frozenset(Role),
    Access.INGEST: frozenset({Role.INGEST, Role.ADMIN}),
    Access.READ: frozenset({Role.READ, Role.ADMIN}),
    Access.ADMIN: frozenset({Role.ADMIN}),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """`project_ids` is None where every project is allowed; `key_id` is None where no key was asked for."""

    role: Role
    project_ids: frozenset[int] | None = None
    key_id: int | None = None

    @classmethod
    def open(cls) -> Self:
        """Everything everywhere: whoever reaches a server that runs open on a loopback address."""
        return cls(Role.ADMIN)

    def may(self, access: Access) -> bool:
        return self.role in access.roles

    def require(self, access: Access, what: str) -> None:
        """Raise ForbiddenError, naming `what` and the roles that reach it, unless this role does."""
        if not self.may(access):
            needed = " or ".join(role for role in Role if role in access.roles)
            raise ForbiddenError(f"{what} needs an API key with the role {needed}; this one has {self.role}.")
