"""The table of the services' own settings, for operators: variables, defaults and accepted forms."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from workspace.errors import WorkspaceError
from workspace.members import Member

PAGE = "docs/operations.md"
_MARKED = re.compile(r"(<!-- settings -->\n).*?(<!-- /settings -->)", re.DOTALL)
_READ = """
import importlib, json, sys
rows = []
for name in sys.argv[1:]:
    settings = importlib.import_module(f"{name}.settings").Settings
    for field, info in settings.model_fields.items():
        if field not in settings.__base__.model_fields:
            default = info.get_default(call_default_factory=True)
            if isinstance(default, dict):
                default = [f"{key}={value}" for key, value in default.items()]
            rows.append([f"PURSER_{name.upper()}__{field.upper()}", default, info.description])
json.dump(rows, sys.stdout)
"""


def page(root: Path, services: Sequence[Member]) -> tuple[Path, str] | None:
    """Give the operators' page with its table, None where there is no such page.

    Raises WorkspaceError when the table's marks are missing or settings cannot be read.
    """
    path = root / PAGE
    if not path.is_file():
        return None
    table = settings_table(root, services)
    filled, places = _MARKED.subn(lambda marks: marks[1] + table + marks[2], path.read_text(encoding="utf-8"))
    if places != 1:
        raise WorkspaceError(f"{PAGE}: the marks <!-- settings --> and <!-- /settings --> must stand once")
    return path, filled


def settings_table(root: Path, services: Sequence[Member]) -> str:
    """Give the table of what each service reads beside the settings that all share."""
    names = [service.name for service in services if (service.sources / "settings.py").is_file()]
    command = [sys.executable, "-c", _READ, *names]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    if done.returncode != 0:
        raise WorkspaceError(f"The settings of {', '.join(names)} cannot be read:\n{done.stderr}")
    rows = [
        f"| `{name}` | {_shown(default)} | {_cell(form or '')} |\n" for name, default, form in json.loads(done.stdout)
    ]
    return "| variable | default | |\n|---|---|---|\n" + "".join(rows)


def _shown(default: object) -> str:
    if default is None:
        return ""
    text = ",".join(map(str, default)) if isinstance(default, list) else str(default)
    return f"`{_cell(text.lower() if isinstance(default, bool) else text)}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
