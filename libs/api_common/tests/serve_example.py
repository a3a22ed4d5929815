"""Serves the example service as a process of its own: `python serve_example.py [failing|broken|filing]`."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from api_common import Runtime, Service, StartupError
from api_common.server import run
from config import load
from example_service import Settings, example


@asynccontextmanager
async def failing(_: Runtime) -> AsyncIterator[None]:
    raise StartupError("The shelf is missing; build one.")
    yield


@asynccontextmanager
async def broken(_: Runtime) -> AsyncIterator[None]:
    raise ZeroDivisionError("a bug")
    yield


@asynccontextmanager
async def filing(runtime: Runtime) -> AsyncIterator[None]:
    (runtime.settings.data_dir / "book.txt").touch()
    yield


def service() -> Service:
    built = replace(example(), settings=load(Settings, env_file=None))
    lifespans = {"failing": failing, "broken": broken, "filing": filing}
    return replace(built, lifespan=lifespans[sys.argv[1]]) if len(sys.argv) > 1 else built


if __name__ == "__main__":
    run(service, port=8099)
