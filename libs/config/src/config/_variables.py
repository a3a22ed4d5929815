"""The variables of a process, from its environment, its .env file and its secrets folder."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from config.errors import SettingsError

PREFIX = "PURSER_"
# Read by the workspace's own tools and tests, never by a service.
TOOLING = frozenset({"PURSER_CORPUS"})


@dataclass(frozen=True)
class Variable:
    """One variable: its name in capitals, its text, and where it was found."""

    name: str
    text: str
    place: str


def read_variables(environment: Mapping[str, str], env_file: Path | None) -> dict[str, Variable]:
    """Collect all ``PURSER_`` variables; the environment wins over ``.env``, which wins over the secrets folder.

    An empty variable counts as not given, because compose files pass unset ones on as empty.
    """
    found = {**_from_env_file(env_file), **_from_mapping(environment, "environment")}
    secrets_dir = found.get("PURSER_SECRETS_DIR")
    if secrets_dir is None:
        return found
    return {**_from_secrets_dir(Path(secrets_dir.text).expanduser()), **found}


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the way out for an unknown variable: the nearest known name, if one is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.7)
    return f"did you mean {near[0]}?" if near else "see libs/config/README.md for the list"


def _from_mapping(values: Mapping[str, str | None], place: str) -> dict[str, Variable]:
    return {
        name.upper(): Variable(name.upper(), text, place)
        for name, text in values.items()
        if text and name.upper().startswith(PREFIX)
    }


def _from_env_file(path: Path | None) -> dict[str, Variable]:
    if path is None or not path.is_file():
        return {}
    return _from_mapping(dotenv_values(path, interpolate=False), str(path))


def _from_secrets_dir(folder: Path) -> dict[str, Variable]:
    if not folder.is_dir():
        raise SettingsError([f'PURSER_SECRETS_DIR="{folder}" is not a folder: create it or remove the setting'])
    texts: dict[str, str | None] = {}
    for path in sorted(folder.iterdir()):
        if not path.name.upper().startswith(PREFIX) or not path.is_file():
            continue
        try:
            texts[path.name] = path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise SettingsError([f"secret file {path} cannot be read: {reason}"]) from None
    return _from_mapping(texts, str(folder))
