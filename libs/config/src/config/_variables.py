"""The variables of a process, from its environment, its .env file and its secrets folder."""

import difflib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv.parser import parse_stream

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
    try:
        # Windows' editors begin a file with a mark that would become part of the first name.
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path} cannot be read: {_reason(error)}"]) from None
    found: dict[str, str | None] = {}
    problems = []
    for binding in parse_stream(io.StringIO(text)):
        # Asked of the text, since a line that cannot be taken apart has no name.
        if (binding.error or binding.value is None) and PREFIX in binding.original.string.upper().partition("#")[0]:
            problems.append(f"{path}, line {binding.original.line}: a setting is written NAME=value")
        elif binding.key is not None:
            found[binding.key] = binding.value
    if problems:
        raise SettingsError(problems)
    return _from_mapping(found, str(path))


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
            raise SettingsError([f"secret file {path} cannot be read: {_reason(error)}"]) from None
    return _from_mapping(texts, str(folder))


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return str(error.strerror) if isinstance(error, OSError) else "not UTF-8 text"
