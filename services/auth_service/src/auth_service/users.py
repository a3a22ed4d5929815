"""The operator's command for users: ``python -m auth_service.users grant-admin | revoke-admin | unlock EMAIL``.

In production nobody becomes administrator by signing up, so the first one is named here.
"""

import argparse
from collections.abc import Sequence

from auth_service.commands import CommandError, open_database, run_command
from auth_service.models import User
from auth_service.problems import LastAdministrator
from auth_service.repository.users import Users
from auth_service.scopes import Role
from auth_service.service.sign_in import account_key
from auth_service.settings import Settings


def main(arguments: Sequence[str] | None = None, *, settings: Settings | None = None) -> None:
    """Run one command; ends the process with status 1 and a message when it cannot be done."""
    chosen = _parser().parse_args(arguments)

    async def work(settings: Settings) -> str:
        async with open_database(settings) as database, database.write() as unit:
            users = Users(unit)
            await users.lock_administrators()
            user = await users.by_email(account_key(chosen.email))
            if user is None:
                raise CommandError(f"Nobody has signed up as {chosen.email}. Sign up first, then repeat the command.")
            return await _done(chosen.command, user, users)

    run_command(work, settings)


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


async def _done(command: str, user: User, users: Users) -> str:
    match command:
        case "grant-admin":
            user.role = Role.ADMINISTRATOR
            return f"{user.email} is an administrator from the next sign-in on."
        case "revoke-admin":
            try:
                await users.keep_an_administrator(user)
            except LastAdministrator as problem:
                raise CommandError(problem.detail) from problem
            user.role = Role.MEMBER
            return f"{user.email} is a member."
        case _:
            user.locked_at = user.lock_reason = None
            return f"{user.email} can sign in."


if __name__ == "__main__":
    main()
