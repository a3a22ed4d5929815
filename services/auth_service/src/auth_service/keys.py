"""The operator's command for signing keys: ``python -m auth_service.keys rotate | list | retire``.

It works on the database that the settings name. Running processes see the change within `key_reload_seconds`.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from api_common.database import Database
from config import SettingsError, load

from auth_service.clock import Clock, utc_now
from auth_service.main import database
from auth_service.settings import Settings
from auth_service.signing_keys import KeyChangeError, KeyRing


def main(arguments: Sequence[str] | None = None, *, settings: Settings | None = None, clock: Clock = utc_now) -> None:
    """Run one command; ends the process with status 1 and a message when it cannot be done."""
    chosen = _parser().parse_args(arguments)
    try:
        lines = asyncio.run(_run(chosen, settings or load(Settings), clock))
    except (KeyChangeError, SettingsError) as error:
        sys.exit(str(error))
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m auth_service.keys", description="Signing keys of access tokens.")
    commands = parser.add_subparsers(dest="command", required=True)
    rotate = commands.add_parser("rotate", help="publish a new key that signs after a while")
    rotate.add_argument(
        "--now", action="store_true", help="let the new key sign at once: after a leak, or with a new secret key"
    )
    commands.add_parser("list", help="show all keys and where they stand")
    retire = commands.add_parser("retire", help="remove keys whose last token has died, or one key at once")
    retire.add_argument(
        "key", nargs="?", help="id of a key that must not be trusted any more; its tokens stop being accepted"
    )
    return parser


async def _run(chosen: argparse.Namespace, settings: Settings, clock: Clock) -> list[str]:
    async with Database.open(database(), settings) as opened:
        if settings.migrates_on_start:
            await opened.upgrade()
        ring = KeyRing(opened, settings.require_secret_key(), clock=clock, reload_seconds=settings.key_reload_seconds)
        match chosen.command:
            case "rotate":
                key = await ring.rotate(publish_seconds=0 if chosen.now else settings.key_publish_seconds)
                return [f"Key {key.id} is published and signs from {key.signs_from:%Y-%m-%d %H:%M:%S} UTC."]
            case "retire":
                removed = await ring.retire(chosen.key)
                return [f"Key {kid} is removed." for kid in removed] or ["No key has outlived its tokens."]
            case _:
                return await _listing(ring)


async def _listing(ring: KeyRing) -> list[str]:
    stages = await ring.list()
    return [
        f"{stage.key.id}  {stage.stage:<8} signs from {stage.key.signs_from:%Y-%m-%d %H:%M:%S} UTC"
        + (f", published until {stage.gone_at:%Y-%m-%d %H:%M:%S} UTC" if stage.gone_at else "")
        for stage in stages
    ] or ["There is no key yet; the service makes one when it starts."]


if __name__ == "__main__":
    main()
