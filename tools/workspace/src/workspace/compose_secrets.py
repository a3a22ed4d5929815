"""The secrets of the compose file: random, made once, and readable only through a folder that is its owner's."""

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from workspace.compose import secret_names
from workspace.database import DATABASE
from workspace.members import Member

ENTROPY_BYTES = 32


def write_secrets(folder: Path, services: Sequence[Member]) -> list[Path]:
    """Write the secrets that are missing and give their files; those that are there stay.

    Compose hands each file to its containers as it is, and these run as users that the host does not know: so the files
    may be read by everybody who reaches them, and the folder lets nobody but its owner through.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    written = []
    for name in secret_names(services):
        file = folder / name
        if file.exists():
            continue
        file.touch(mode=0o600)
        file.write_text(_value(name), encoding="ascii")
        file.chmod(0o444)
        written.append(file)
    return written


def name_folder(environment: Path, folder: Path) -> bool:
    """Say in compose's `.env` where the secrets are, unless it says so; tell whether it was written."""
    text = environment.read_text(encoding="utf-8") if environment.is_file() else ""
    if any(line.startswith("SECRETS=") for line in text.splitlines()):
        return False
    beside = environment.parent.absolute()
    named = f"./{folder.absolute().relative_to(beside)}" if folder.absolute().is_relative_to(beside) else folder
    environment.write_text(f"{text}SECRETS={named}\n", encoding="utf-8")
    return True


def _value(name: str) -> str:
    for ending, write in _FORMS.items():
        if name.endswith(ending):
            return write(name.removesuffix(ending))
    return _random()


def _random() -> str:
    # Letters, digits, - and _: nothing that an address would have to escape.
    return secrets.token_urlsafe(ENTROPY_BYTES)


_FORMS: dict[str, Callable[[str], str]] = {
    "_database_url": lambda service: f"postgresql://{service}:{_random()}@postgres/{DATABASE}",
    "redis_url": lambda _: f"redis://:{_random()}@redis:6379/0",
    "_secret_key": lambda _: secrets.token_urlsafe(48),
}
