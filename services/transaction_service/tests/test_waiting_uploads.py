"""What an upload holds while its file is read, which may take minutes."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from api_common.compute import offload, thread_use
from fastapi import FastAPI
from sqlalchemy import Connection, Engine, event

TABLE = b"Date,Description,Amount,Currency\n2026-04-02,Tea,-2.80,EUR\n"


async def turns_until(condition: Callable[[], bool]) -> None:
    """Let other tasks have their turns until something has come about, a million turns at most."""
    for _ in range(1_000_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("still not so")


async def test_an_upload_that_waits_to_be_read_keeps_no_connection_from_others(household: Any, app: FastAPI) -> None:
    account = await household.account()
    database, limit = app.state.runtimes["transaction_service"].database, thread_use().limit
    first, second, entered = threading.Event(), threading.Event(), threading.Semaphore(0)

    def hold() -> None:
        entered.release()
        second.wait()

    try:
        before = [asyncio.create_task(offload(first.wait)) for _ in range(limit)]
        await turns_until(lambda: thread_use().busy == limit)
        upload = asyncio.create_task(household.upload(TABLE, account_id=account["id"]))
        await turns_until(lambda: thread_use().waiting == 1)
        after = [asyncio.create_task(offload(hold)) for _ in range(limit)]
        await turns_until(lambda: thread_use().waiting == 1 + limit)
        first.set()  # the file is received, and then there is no thread to read it
        for _ in range(limit):
            await turns_until(lambda: entered.acquire(blocking=False))
        await turns_until(lambda: thread_use().waiting == 1)
        in_use = {name: pool.in_use for name, pool in database.pools().items()}
    finally:
        first.set()
        second.set()
    await asyncio.gather(*before, *after)
    assert (await upload)["booked"] == 1
    assert in_use == {"read": 0, "write": 0}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_the_transaction_of_an_import_may_be_silent_for_as_long_as_its_file_takes(household: Any) -> None:
    account = await household.account()
    patience: set[str] = set()

    def ask(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO imports"):
            patience.add(connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar_one())

    event.listen(Engine, "before_cursor_execute", ask)
    try:
        await household.upload(TABLE, account_id=account["id"])
    finally:
        event.remove(Engine, "before_cursor_execute", ask)
    assert patience == {"0"}
