"""What the services are made of: a bill of materials for each, and the known vulnerabilities of what is locked."""

import json
import subprocess
from pathlib import Path

from workspace.errors import WorkspaceError
from workspace.members import services
from workspace.outside_tools import tool


def write_bills(root: Path) -> list[Path]:
    """Write dist/sbom/<service>.cdx.json, CycloneDX, for every service; gives the paths.

    Raises WorkspaceError when uv cannot say what a service is made of.
    """
    folder = root / "dist" / "sbom"
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for service in services(root):
        command = [tool(root, "uv"), "export", "--quiet", "--frozen", "--no-default-groups", "--format=cyclonedx1.5"]
        done = subprocess.run(
            [*command, f"--package={service.distribution}"], capture_output=True, text=True, cwd=root, check=False
        )
        if done.returncode != 0:
            raise WorkspaceError(f"{service.path}: no bill of materials: {done.stderr.strip()}")
        bill = json.loads(done.stdout)
        path = folder / f"{service.name}.cdx.json"
        path.write_text(f"{json.dumps(bill, indent=2)}\n", encoding="utf-8")
        written.append(path)
    return written


def audit(root: Path) -> int:
    """Ask the database of vulnerabilities about every locked distribution; gives the exit status. Needs the network."""
    return subprocess.run([tool(root, "uv"), "audit", "--frozen"], cwd=root, check=False).returncode
