"""Rules as tests write them and send them."""

from typing import Any

import httpx2
from transaction_service.categories.defaults import default_category_id

GROCERIES = str(default_category_id("food/groceries"))
RESTAURANTS = str(default_category_id("food/restaurants"))
Rule = dict[str, Any]


def condition(field: str, operator: str, value: Any, **more: Any) -> dict[str, Any]:
    """A condition as JSON."""
    return {"field": field, "operator": operator, "value": value, **more}


def rule(*conditions: dict[str, Any], **more: Any) -> Rule:
    """A rule; what is not said to be something else of it is an action."""
    names = ("id", "name", "enabled", "position", "match")
    own: dict[str, Any] = {name: more.pop(name) for name in names if name in more}
    return {"conditions": list(conditions), "actions": more, **own}


def text(value: str) -> dict[str, Any]:
    """The condition that some text of a row holds this one."""
    return condition("text", "contains", value)


async def create(client: httpx2.AsyncClient, wanted: Rule) -> Any:
    """Make a rule and give it as it was answered."""
    answer = await client.post("/v1/rules", json=wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def preview(client: httpx2.AsyncClient, wanted: Rule | None = None, **parameters: Any) -> Any:
    """What a rule, or all that are kept, would change."""
    answer = await client.post("/v1/rules/preview", json={"rule": wanted} if wanted else None, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def apply(client: httpx2.AsyncClient) -> Any:
    """Apply all rules and give what that changed."""
    answer = await client.post("/v1/rules/apply")
    assert answer.status_code == 200, answer.text
    return answer.json()
