"""The operator's command for users: ``python -m auth_service.users grant-admin | revoke-admin | unlock EMAIL``.

In production nobody becomes administrator by signing up, so the first one is named here.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from api_common.database import Database
from config import SettingsError, load

from auth_service.main import database
from auth_service.repository.users import Users
from auth_service.scopes import Role
from auth_service.service.sign_in import account_key
from auth_service.settings import Settings


class UnknownAccountError(ValueError):
    """Nobody has signed up with the address."""


def main(arguments: Sequence[str] | None = None, *, settings: Settings | None = None) -> None:
    """Run one command; ends the process with status 1 and a message when it cannot be done."""
    chosen = _parser().parse_args(arguments)
    try:
        message = asyncio.run(_run(chosen.command, chosen.email, settings or load(Settings)))
    except (UnknownAccountError, SettingsError) as error:
        sys.exit(str(error))
    sys.stdout.write(f"{message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m auth_service.users", description="Accounts of this installation.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, purpose in (
        ("grant-admin", "make an account an administrator"),
        ("revoke-admin", "make an administrator an ordinary member"),
        ("unlock", "let a locked account sign in again"),
    ):
        commands.add_parser(name, help=purpose).add_argument("email", help="the address the account was made with")
    return parser


async def _run(command: str, email: str, settings: Settings) -> str:
    async with Database.open(database(), settings) as opened:
        if settings.migrates_on_start:
            await opened.upgrade()
        async with opened.write() as unit:
            user = await Users(unit).by_email(account_key(email))
            if user is None:
                raise UnknownAccountError(f"Nobody has signed up as {email}. Sign up first, then repeat the command.")
            match command:
                case "grant-admin":
                    user.role = Role.ADMINISTRATOR
                    return f"{user.email} is an administrator from the next sign-in on."
                case "revoke-admin":
                    user.role = Role.MEMBER
                    return f"{user.email} is a member."
                case _:
                    user.locked_at = user.lock_reason = None
                    return f"{user.email} can sign in."


if __name__ == "__main__":
    main()
