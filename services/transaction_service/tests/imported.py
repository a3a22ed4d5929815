"""What imports have done and what they ask, for tests: counts, proposals, decisions."""

from typing import Any

import httpx2


def counts(answer: Any) -> dict[str, int]:
    """How many rows became what, as far as there are any."""
    names = ("read", "booked", "repeated", "replaced", "proposed", "refused", "proved")
    return {name: answer[name] for name in names if answer[name]}


async def proposals(client: httpx2.AsyncClient, **filters: Any) -> list[dict[str, Any]]:
    """The proposals that pass the filters."""
    answer = await client.get("/v1/proposals", params=filters)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def decide(client: httpx2.AsyncClient, proposal: dict[str, Any], how: str, **options: str) -> dict[str, Any]:
    """Accept or reject a proposal."""
    answer = await client.post(f"/v1/proposals/{proposal['id']}/{how}", params=options)
    assert answer.status_code == 200, answer.text
    decided: dict[str, Any] = answer.json()
    return decided
