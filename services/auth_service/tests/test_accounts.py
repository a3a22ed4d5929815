"""A person's own account, over HTTP and on both databases."""

import pytest

from .conftest import House


async def test_smoke(house: House) -> None:
    ada = await house.member()
    tokens = await ada.tokens()
    me = await house.http.get("/v1/auth/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert me.status_code == 200, me.text
    assert me.json()["role"] == "administrator"
    r = await house.refresh(tokens["refresh_token"])
    assert r.status_code == 200, r.text
