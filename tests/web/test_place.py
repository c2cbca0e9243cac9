"""What an address may say of where a viewer is."""

import httpx2
import pytest
from starlette.datastructures import QueryParams

from formicary.errors import BadInputError
from formicary_web.place import MOST_PARAMS, Place


def params(number: int) -> QueryParams:
    return QueryParams([("agent", "a")] * number)


def test_address_has_a_limited_number_of_parameters_also_of_one_name() -> None:
    assert len(Place.of("/runs", params(MOST_PARAMS)).params.multi_items()) == MOST_PARAMS
    with pytest.raises(BadInputError, match=r"has 1,300 parameters; at most 300 are allowed"):
        Place.of("/runs", params(MOST_PARAMS + 1000))


@pytest.mark.parametrize("path", ["/runs", "/fragments/runs/runs", "/export/runs.csv", "/runs/search"])
async def test_page_says_that_its_address_has_too_many_parameters(address: str, path: str) -> None:
    async with httpx2.AsyncClient(base_url=address) as client:
        response = await client.get(f"{path}?{params(MOST_PARAMS + 1)}")
    assert response.status_code == 400
    assert "The address has 301 parameters; at most 300 are allowed." in response.text
