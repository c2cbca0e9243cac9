"""Who is asking: the same small object for a key and for the open mode of a local server."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from ..errors import ForbiddenError
from ..models.api_key import ApiKey, Role


class Access(StrEnum):
    """What reaching something takes. ANY is whoever is known at all; a key with the role ADMIN may do the rest.

    EVERYWHERE is for what belongs to no project: ADMIN, by a key that is not bound to projects.
    """

    ANY = "ANY"
    INGEST = "INGEST"
    READ = "READ"
    ADMIN = "ADMIN"
    EVERYWHERE = "EVERYWHERE"

    @property
    def roles(self) -> frozenset[Role]:
        return _ROLES[self]


_ROLES: dict[Access, frozenset[Role]] = {
    Access.ANY: frozenset(Role),
    Access.INGEST: frozenset({Role.INGEST, Role.ADMIN}),
    Access.READ: frozenset({Role.READ, Role.ADMIN}),
    Access.ADMIN: frozenset({Role.ADMIN}),
    Access.EVERYWHERE: frozenset({Role.ADMIN}),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """`project_ids` is None where every project is allowed; `key_id` is None where no key was asked for.

    `name` is that of the key for people.
    """

    role: Role
    project_ids: frozenset[int] | None = None
    key_id: int | None = None
    name: str = field(default="", compare=False)

    @classmethod
    def open(cls) -> Self:
        """Everything everywhere: whoever reaches a server that runs open on a loopback address."""
        return cls(Role.ADMIN)

    @classmethod
    def of_key(cls, key: ApiKey) -> Self:
        project_ids = None if key.project_ids is None else frozenset(key.project_ids)
        return cls(Role(key.role), project_ids, key.id, key.name or key.prefix)

    def may(self, access: Access) -> bool:
        return self.role in access.roles and not self._is_bound_out_of(access)

    def require(self, access: Access, what: str) -> None:
        """Raise ForbiddenError, naming `what` and what reaches it, unless this principal does."""
        if self.role not in access.roles:
            needed = " or ".join(role for role in Role if role in access.roles)
            raise ForbiddenError(f"{what} needs an API key with the role {needed}; this one has {self.role}.")
        if self._is_bound_out_of(access):
            raise ForbiddenError(f"{what} concerns every project; this API key is bound to some.")

    def _is_bound_out_of(self, access: Access) -> bool:
        return access is Access.EVERYWHERE and self.project_ids is not None
