"""The command: `python3 -m bootstrap [tools|runtime|development|pants]`."""

import argparse
import fcntl
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bootstrap.checkout import Checkout
from bootstrap.commands import say
from bootstrap.errors import BootstrapError
from bootstrap.steps import install_environment, install_pants, install_tools

_GOALS = {
    "tools": "uv alone",
    "runtime": "what running the services needs",
    "development": "runtime, tests and linters",
    "pants": "development, and Pants",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Install what the goal needs and give the exit status: 0, or 1 with a message."""
    parser = argparse.ArgumentParser(prog="bootstrap", description=__doc__)
    parser.add_argument(
        "goal", nargs="?", default="pants", choices=_GOALS, help="; ".join(f"{k}: {v}" for k, v in _GOALS.items())
    )
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="root of the checkout (default: this folder)")
    options = parser.parse_args(arguments)
    try:
        install(Checkout(options.root.resolve()), options.goal)
    except BootstrapError as error:
        say(f"bootstrap: {error}")
        return 1
    except KeyboardInterrupt:
        say("\nbootstrap: interrupted; run the same command again, it goes on where it stopped")
        return 130
    return 0


def install(checkout: Checkout, goal: str) -> None:
    """Do the steps of a goal, one process at a time."""
    if not (checkout.root / "uv.lock").is_file():
        raise BootstrapError(f"{checkout.root} is not the root of a checkout: it holds no uv.lock")
    with _alone(checkout):
        install_tools(checkout)
        if goal != "tools":
            install_environment(checkout, "runtime" if goal == "runtime" else "development")
        if goal == "pants":
            install_pants(checkout)


@contextmanager
def _alone(checkout: Checkout) -> Iterator[None]:
    """Hold the bootstrap's lock: two `make` calls at once must not install into the same folder."""
    checkout.tools.mkdir(exist_ok=True)
    lock = os.open(checkout.tools / "lock", os.O_CREAT | os.O_RDWR)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("bootstrap: waiting for another one in this checkout")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


if __name__ == "__main__":
    sys.exit(main())
