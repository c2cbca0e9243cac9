import re
from collections.abc import AsyncIterator

import pytest

from formicary.auth import (
    Access,
    Authenticator,
    Principal,
    any_key_exists,
    check_local,
    create_key,
    is_loopback,
    list_keys,
    revoke_key,
    secret,
)
from formicary.auth.authenticator import INVALID
from formicary.auth.remembered import TTL
from formicary.auth.uses import NOTE_USE_EVERY
from formicary.db import Database
from formicary.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from formicary.models import Role


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def authenticator(db: Database, clock: Clock) -> AsyncIterator[Authenticator]:
    authenticator = Authenticator(db, clock=clock)
    yield authenticator
    await authenticator.close()


async def project_id(db: Database, slug: str) -> int:
    return int(await db.fetchval("INSERT INTO project (slug, name) VALUES ($1, $1) RETURNING id", slug))


async def test_a_key_authenticates_with_its_role_everywhere(db: Database, authenticator: Authenticator) -> None:
    key, plain = await create_key(db, role=Role.READ)
    principal = await authenticator.authenticate(f"Bearer {plain}")
    assert principal == Principal(Role.READ, None, key.id)


async def test_the_scheme_may_be_written_in_any_case(db: Database, authenticator: Authenticator) -> None:
    _, plain = await create_key(db, role=Role.READ)
    assert (await authenticator.authenticate(f"bearer  {plain} ")).role is Role.READ


async def test_a_key_of_two_projects_is_bound_to_both(db: Database, authenticator: Authenticator) -> None:
    ids = {await project_id(db, "red"), await project_id(db, "blue")}
    _, plain = await create_key(db, role=Role.INGEST, projects=["red", "blue"])
    assert (await authenticator.authenticate(f"Bearer {plain}")).project_ids == ids


async def test_a_key_for_an_unknown_project_is_not_made(db: Database) -> None:
    with pytest.raises(NotFoundError, match="There is no project 'nowhere'"):
        await create_key(db, role=Role.READ, projects=["nowhere"])
    assert await list_keys(db) == []


async def test_only_a_hash_of_the_key_is_stored(db: Database) -> None:
    _, plain = await create_key(db, role=Role.ADMIN, name="ci")
    stored = repr(await db.fetch("SELECT to_jsonb(api_key) FROM api_key"))
    assert re.fullmatch(r"fmy_\w{8}_\w{40}", plain)
    assert plain.split("_")[2] not in stored


@pytest.mark.parametrize(
    "wrong", ["", "Bearer", "Bearer fmy_\xe9", "Basic {key}", "Basic \xe9", "Basic /w==", "Bearer {key}x"]
)
async def test_every_wrong_key_gets_the_same_answer(db: Database, authenticator: Authenticator, wrong: str) -> None:
    _, plain = await create_key(db, role=Role.READ)
    with pytest.raises(UnauthenticatedError) as refused:
        await authenticator.authenticate(wrong.format(key=plain))
    assert refused.value.message == INVALID


@pytest.mark.parametrize("place", [6, -1])
async def test_one_wrong_letter_in_prefix_or_secret_is_refused(
    db: Database, authenticator: Authenticator, place: int
) -> None:
    _, plain = await create_key(db, role=Role.READ)
    letters = list(plain)
    letters[place] = "a" if letters[place] != "a" else "b"
    with pytest.raises(UnauthenticatedError) as refused:
        await authenticator.authenticate("Bearer " + "".join(letters))
    assert refused.value.message == INVALID


async def test_a_missing_key_is_answered_with_how_to_send_one(authenticator: Authenticator) -> None:
    with pytest.raises(UnauthenticatedError, match="Authorization: Bearer <key>"):
        await authenticator.authenticate(None)


async def test_an_open_server_needs_no_key_but_heeds_one(db: Database) -> None:
    authenticator = Authenticator(db, is_open=True)
    _, plain = await create_key(db, role=Role.READ)
    assert await authenticator.authenticate(None) == Principal.open()
    assert (await authenticator.authenticate(f"Bearer {plain}")).role is Role.READ
    with pytest.raises(UnauthenticatedError):
        await authenticator.authenticate("Bearer wrong")
    await authenticator.close()


async def test_a_known_key_costs_no_statement(db: Database, authenticator: Authenticator) -> None:
    _, plain = await create_key(db, role=Role.READ)
    first = await authenticator.authenticate(f"Bearer {plain}")
    await authenticator.close()
    await db.execute("DROP TABLE api_key")
    assert await authenticator.authenticate(f"Bearer {plain}") == first


async def test_a_revoked_key_ends_when_its_time_in_memory_is_over(
    db: Database, authenticator: Authenticator, clock: Clock
) -> None:
    key, plain = await create_key(db, role=Role.READ)
    await authenticator.authenticate(f"Bearer {plain}")
    await revoke_key(db, key.prefix)
    clock.now += TTL
    with pytest.raises(UnauthenticatedError) as refused:
        await authenticator.authenticate(f"Bearer {plain}")
    assert refused.value.message == INVALID


async def test_the_last_use_is_written_at_most_once_a_minute(
    db: Database, authenticator: Authenticator, clock: Clock
) -> None:
    _, plain = await create_key(db, role=Role.READ)
    seen = []
    for pause in (0.0, NOTE_USE_EVERY - 1, 1.0):
        clock.now += pause
        await authenticator.authenticate(f"Bearer {plain}")
        await authenticator.close()
        seen.append((await list_keys(db))[0].last_used_at)
    assert seen[0] is not None
    assert seen[0] == seen[1] != seen[2]


async def test_a_key_is_revoked_by_prefix_or_id_and_keeps_its_first_time(db: Database) -> None:
    key, _ = await create_key(db, role=Role.READ)
    first = await revoke_key(db, str(key.id))
    assert first.revoked_at is not None
    assert (await revoke_key(db, key.prefix)).revoked_at == first.revoked_at
    with pytest.raises(NotFoundError, match="'nothing'"):
        await revoke_key(db, "nothing")


async def test_a_key_is_revoked_by_itself_without_being_repeated(db: Database) -> None:
    _, plain = await create_key(db, role=Role.READ)
    assert (await revoke_key(db, plain)).revoked_at is not None
    with pytest.raises(NotFoundError) as refused:
        await revoke_key(db, secret.make())
    assert "fmy_" not in refused.value.message


async def test_a_revoked_key_is_no_usable_key(db: Database) -> None:
    assert not await any_key_exists(db, even_revoked=True)
    key, _ = await create_key(db, role=Role.ADMIN)
    assert await any_key_exists(db)
    await revoke_key(db, key.prefix)
    assert not await any_key_exists(db)
    assert await any_key_exists(db, even_revoked=True)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.1", "::1"])
def test_a_loopback_host_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example.org", "localhost.org"])
def test_any_other_host_is_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["localhost:8765", "127.0.0.1", "[::1]:80"])
@pytest.mark.parametrize("origin", [None, "http://localhost:3000"])
def test_an_open_server_answers_requests_of_this_machine(host: str, origin: str | None) -> None:
    check_local(host=host, origin=origin)


@pytest.mark.parametrize("host", [None, "", "rebound.example.org:8765", "[::1", "0.0.0.0:8765"])
def test_an_open_server_refuses_a_foreign_host(host: str | None) -> None:
    with pytest.raises(ForbiddenError, match="loopback name"):
        check_local(host=host, origin=None)


@pytest.mark.parametrize("origin", ["https://example.org", "null", "", "http://[::1"])
def test_an_open_server_refuses_a_foreign_origin(origin: str) -> None:
    with pytest.raises(ForbiddenError, match="other origins"):
        check_local(host="localhost", origin=origin)


def test_each_access_is_for_exactly_these_roles() -> None:
    may = {access: {role for role in Role if Principal(role).may(access)} for access in Access}
    assert may == {
        Access.ANY: {Role.INGEST, Role.READ, Role.ADMIN},
        Access.INGEST: {Role.INGEST, Role.ADMIN},
        Access.READ: {Role.READ, Role.ADMIN},
        Access.ADMIN: {Role.ADMIN},
        Access.EVERYWHERE: {Role.ADMIN},
    }


def test_a_key_bound_to_a_project_does_not_reach_what_belongs_to_all() -> None:
    bound = Principal(Role.ADMIN, frozenset({1}))
    assert bound.may(Access.ADMIN)
    assert not bound.may(Access.EVERYWHERE)
    with pytest.raises(ForbiddenError, match="concerns every project"):
        bound.require(Access.EVERYWHERE, "Setting a price")


def test_what_a_role_may_not_do_is_refused_by_name() -> None:
    with pytest.raises(ForbiddenError, match="Reading runs needs an API key with the role READ or ADMIN"):
        Principal(Role.INGEST).require(Access.READ, "Reading runs")
