"""The operator's command for signing keys: ``python -m auth_service.keys rotate | list | retire``.

It works on the database that the settings name. Running processes see the change within `key_reload_seconds`.
"""

import argparse
from collections.abc import Sequence

from auth_service.clock import Clock, utc_now
from auth_service.commands import CommandError, open_database, run_command
from auth_service.settings import Settings
from auth_service.signing_keys import KeyChangeError, KeyRing


def main(arguments: Sequence[str] | None = None, *, settings: Settings | None = None, clock: Clock = utc_now) -> None:
    """Run one command; ends the process with status 1 and a message when it cannot be done."""
    chosen = _parser().parse_args(arguments)

    async def work(settings: Settings) -> str:
        async with open_database(settings) as database:
            secret, reload_seconds = settings.require_secret_key(), settings.key_reload_seconds
            ring = KeyRing(database, secret, clock=clock, reload_seconds=reload_seconds)
            try:
                return await _done(chosen, ring, settings)
            except KeyChangeError as error:
                raise CommandError(str(error)) from error

    run_command(work, settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m auth_service.keys", description="Signing keys of access tokens.")
    commands = parser.add_subparsers(dest="command", required=True)
    rotate = commands.add_parser("rotate", help="publish a new key that signs after a while")
    rotate.add_argument(
        "--now", action="store_true", help="let the new key sign at once: after a leak, or with a new secret key"
    )
    commands.add_parser("list", help="show all keys and where they stand")
    retire = commands.add_parser("retire", help="remove keys whose last token has died, or one key at once")
    retire.add_argument("key", nargs="?", help="id of a key that nobody must trust any more; its tokens die with it")
    return parser


async def _done(chosen: argparse.Namespace, ring: KeyRing, settings: Settings) -> str:
    match chosen.command:
        case "rotate":
            key = await ring.rotate(publish_seconds=0 if chosen.now else settings.key_publish_seconds)
            return f"Key {key.id} is published and signs from {key.signs_from:%Y-%m-%d %H:%M:%S} UTC."
        case "retire":
            removed = await ring.retire(chosen.key)
            return "\n".join(f"Key {kid} is removed." for kid in removed) or "No key has outlived its tokens."
        case _:
            return await _listing(ring)


async def _listing(ring: KeyRing) -> str:
    lines = [
        f"{stage.key.id}  {stage.stage:<8} signs from {stage.key.signs_from:%Y-%m-%d %H:%M:%S} UTC"
        + (f", published until {stage.gone_at:%Y-%m-%d %H:%M:%S} UTC" if stage.gone_at else "")
        for stage in await ring.list()
    ]
    return "\n".join(lines) or "There is no key yet; the service makes one when it starts."


if __name__ == "__main__":
    main()
