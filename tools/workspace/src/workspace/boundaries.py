"""The proof that forbidden imports are refused: each is tried in a copy of the repository."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from workspace.copies import copied
from workspace.errors import WorkspaceError


@dataclass(frozen=True)
class Forbidden:
    """An import that must be refused: who tries it, the line, and a part of the denied target's address."""

    package: str
    line: str
    denied: str
    rule: str


CASES = (
    Forbidden("libs/config", "import api_common", "libs/api_common", "config imports no other package"),
    Forbidden("libs/api_common", "import analytics_core", "libs/analytics_core", "api_common imports config only"),
    Forbidden("libs/analytics_core", "import fastapi", "libs/api_common:reqs#fastapi", "analytics_core is no server"),
    Forbidden("libs/analytics_core", "import data_processing", "libs/data_processing", "analytics_core stands alone"),
    Forbidden("libs/data_processing", "import api_common", "libs/api_common", "data_processing is no server"),
    Forbidden("libs/config", "import auth_service", "services/auth_service", "a library imports no service"),
    Forbidden(
        "services/analytics_api",
        "import transaction_service",
        "services/transaction_service",
        "a service imports no other service",
    ),
    Forbidden(
        "services/analytics_api",
        "import argon2",
        "services/auth_service:reqs#argon2-cffi",
        "a service uses only requirements that it declares",
    ),
    Forbidden(
        "services/api_gateway", "import auth_service", "services/auth_service", "even the gateway imports no service"
    ),
)


def unrefused(root: Path) -> list[str]:
    """Try every forbidden import and give a message for each that `pants dependencies ::` lets pass.

    Raises WorkspaceError when the untouched copy is refused already: then the refusals would prove nothing.
    """
    with copied(root) as copy:
        clean = _dependencies(root, copy)
        if clean.returncode != 0:
            raise WorkspaceError(f"`pants dependencies ::` fails without any forbidden import:\n{clean.stderr}")
        return [message for case in CASES if (message := _try(root, copy, case))]


def _try(root: Path, copy: Path, case: Forbidden) -> str | None:
    module = copy / case.package / "src" / Path(case.package).name / "forbidden_import.py"
    module.write_text(f"{case.line}\n", encoding="utf-8")
    try:
        answer = _dependencies(root, copy)
    finally:
        module.unlink()
    attempt = f"{case.package}: `{case.line}` ({case.rule})"
    if answer.returncode == 0 or "DependencyRuleActionDenied" not in answer.stderr or case.denied not in answer.stderr:
        return f"{attempt} was not refused; Pants said:\n{answer.stderr or 'nothing'}"
    print(f"refused: {attempt}", flush=True)
    return None


def _dependencies(root: Path, copy: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([root / "pants", "dependencies", "::"], capture_output=True, text=True, cwd=copy, check=False)
