"""Prices that somebody sets win over the built-in ones, from their day on."""

from .conftest import Ask

SET = """mutation ($input: ModelPriceInput!) { setModelPrice(input: $input) {
    ... on ModelPricePayload { price { id model provider inputPerMillion outputPerMillion isOverride } }
    ... on InvalidInput { problems { path code } } } }"""

RUN = {"model": "gpt-4o", "provider": "openai", "inputTokens": 1_000_000, "outputTokens": 0}


async def cost_of(ask: Ask, record: Ask, **run: object) -> list[object]:
    payload = await record({**RUN, **run})
    node = await ask(
        "query ($id: ID!) { node(id: $id) { ... on Run { cost costSource } } }", id=payload["runs"][0]["id"]
    )
    return [node["node"]["cost"], node["node"]["costSource"]]


async def test_a_price_that_is_set_counts_from_its_day_on(ask: Ask, record: Ask) -> None:
    built_in = await cost_of(ask, record, startedAt="2026-11-02T00:00:00Z")
    price = {"model": "GPT-4o", "inputPerMillion": "7.25", "outputPerMillion": "1", "validFrom": "2026-11-01T00:00:00Z"}
    answer = (await ask(SET, input=price))["setModelPrice"]["price"]
    assert (answer["model"], answer["provider"], answer["isOverride"]) == ("GPT-4o", None, True)
    assert built_in != ["7.25", "ESTIMATED"]
    cost, source = await cost_of(ask, record, startedAt="2026-11-02T00:00:00Z")
    assert (float(str(cost)), source) == (7.25, "ESTIMATED")
    assert await cost_of(ask, record, startedAt="2026-10-31T00:00:00Z") == built_in


async def test_set_again_it_is_replaced(ask: Ask) -> None:
    price = {
        "model": "m",
        "provider": "p",
        "inputPerMillion": "1",
        "outputPerMillion": "1",
        "validFrom": "2026-01-01T00:00:00Z",
    }
    first = (await ask(SET, input=price))["setModelPrice"]["price"]
    second = (await ask(SET, input={**price, "inputPerMillion": "2"}))["setModelPrice"]["price"]
    assert second == {**first, "inputPerMillion": "2"}
    assert (await ask("query ($id: ID!) { node(id: $id) { id } }", id=first["id"]))["node"] == {"id": first["id"]}


async def test_the_list_has_what_was_set_first_and_then_what_is_built_in(ask: Ask) -> None:
    await ask(SET, input={"model": "m", "inputPerMillion": "1", "outputPerMillion": "1"})
    prices = (await ask("{ modelPrices { model isOverride } }"))["modelPrices"]
    assert prices[0] == {"model": "m", "isOverride": True}
    assert {"model": "gpt-4o", "isOverride": False} in prices


async def test_many_prices_by_id_are_read_once(ask: Ask, statements: list[str]) -> None:
    ids = [price["id"] for price in (await ask("{ modelPrices { id } }"))["modelPrices"][:50]]
    statements.clear()
    found = (await ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids))["nodes"]
    assert [price["id"] for price in found] == ids
    assert len(statements) == 1


async def test_a_built_in_price_is_per_million_tokens(ask: Ask) -> None:
    prices = (await ask("{ modelPrices { provider model inputPerMillion outputPerMillion } }"))["modelPrices"]
    assert {
        "provider": "openai",
        "model": "gpt-4o",
        "inputPerMillion": "2.5",
        "outputPerMillion": "10",
    } in prices


async def test_a_bad_price_is_answered_with_its_problems(ask: Ask) -> None:
    answer = await ask(SET, input={"model": "", "inputPerMillion": "-1", "outputPerMillion": "1e20"})
    assert answer["setModelPrice"]["problems"] == [
        {"path": "model", "code": "EMPTY"},
        {"path": "inputPerMillion", "code": "NEGATIVE"},
        {"path": "outputPerMillion", "code": "OUT_OF_RANGE"},
    ]
