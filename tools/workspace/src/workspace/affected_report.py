"""What is affected, and why, as text and as JSON."""

import json
from collections.abc import Sequence

from workspace.affected import Affected, Step


def as_text(found: Affected) -> str:
    """Give the affected packages, each with the first change that reaches it, then tests and artefacts."""
    lines = [
        f"{_count(found.changes, 'changed file')} since {found.base} affect {_count(found.packages, 'package')}, "
        f"{len(found.tests)} of {_count(found.all_tests, 'test file')} and "
        f"{len(found.artefacts)} of {_count(found.all_artefacts, 'artefact')}"
    ]
    for title, entries in (("packages", found.packages), ("tests", found.tests), ("artefacts", found.artefacts)):
        if entries:
            lines += ["", title, *(f"  {entry}" for entry in entries)]
    return "\n".join(lines)


def as_json(found: Affected) -> str:
    """Give the same as a JSON document."""
    return json.dumps(
        {
            "base": found.base,
            "changes": [{"path": file.path, "change": file.change} for file in found.changes],
            "packages": found.packages,
            "tests": found.tests,
            "artefacts": found.artefacts,
            "of": {"tests": len(found.all_tests), "artefacts": len(found.all_artefacts)},
        },
        indent=2,
    )


def chain_as_text(chain: Sequence[Step]) -> str:
    """Give a chain, one link a line, from the change to the target."""
    first, *others = chain
    return "\n".join(
        [first.node, *(f"{'  ' * depth}-> {step.node} ({step.how})" for depth, step in enumerate(others, 1))]
    )


def chain_as_json(chain: Sequence[Step]) -> str:
    """Give the same as a JSON document."""
    return json.dumps([{"node": step.node, "how": step.how} for step in chain], indent=2)


def _count(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"
