"""The services' OpenAPI documents, as each describes itself with default settings."""

import json
import os
import subprocess
import sys
import tempfile

from workspace.errors import WorkspaceError
from workspace.members import Member

_BUILD = """
import importlib, json, sys
json.dump(importlib.import_module(sys.argv[1]).create_app().openapi(), sys.stdout)
"""


def document(service: Member) -> str:
    """Give the document as JSON text with a fixed layout.

    The service is built in a process of its own, away from the data, the `.env` and the settings of whoever runs this.
    Raises WorkspaceError when it cannot be built.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PURSER_")}
        environment["PURSER_DATA_DIR"] = folder
        built = subprocess.run(
            [sys.executable, "-c", _BUILD, f"{service.name}.main"],
            capture_output=True,
            text=True,
            env=environment,
            cwd=folder,
            check=False,
        )
    if built.returncode != 0:
        raise WorkspaceError(f"{service.path}: its application cannot be built for openapi.json:\n{built.stderr}")
    return json.dumps(json.loads(built.stdout), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
