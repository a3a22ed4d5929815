"""The secrets of the compose file: random, made once, and readable only through a folder that is its owner's."""

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from workspace.compose import secret_names
from workspace.database import DATABASE
from workspace.errors import WorkspaceError
from workspace.members import Member

ENTROPY_BYTES = 32
_VARIABLE = "SECRETS="


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
        # An empty one is what an interrupted run left.
        if file.exists() and file.stat().st_size:
            continue
        file.touch(mode=0o600)
        file.write_text(_value(name), encoding="ascii")
        file.chmod(0o444)
        written.append(file)
    return written


def folder_of(environment: Path, chosen: Path | None) -> Path:
    """Give the folder of the secrets, and have compose's `.env` say where it is.

    It is the one that `.env` names, else the one that is chosen, else `secrets` beside that file. Raises WorkspaceError
    when another one is chosen than `.env` names: compose would never see what is made there.
    """
    text = environment.read_text(encoding="utf-8") if environment.is_file() else ""
    beside = environment.parent.absolute()
    said = [line.removeprefix(_VARIABLE).strip(" \"'") for line in text.splitlines() if line.startswith(_VARIABLE)]
    if said and said[-1]:
        named = beside / said[-1]
        if chosen is not None and chosen.absolute().resolve() != named.resolve():
            raise WorkspaceError(
                f"{environment} says {_VARIABLE}{said[-1]}, which is not {chosen}: "
                "leave SECRETS out, or change that line"
            )
        return named
    folder = (chosen or environment.parent / "secrets").absolute()
    written = f"./{folder.relative_to(beside)}" if folder.is_relative_to(beside) else folder
    ended = text if text.endswith("\n") or not text else f"{text}\n"
    environment.write_text(f"{ended}{_VARIABLE}{written}\n", encoding="utf-8")
    return folder


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
