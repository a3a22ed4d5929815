"""The packages and what connects them: as a page for the browser, as JSON and as text."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

from workspace.build_files import forbidden_by, import_rules
from workspace.members import Member, members
from workspace.targets import Target, targets

_DATA = "/*graph*/null"


@dataclass(frozen=True)
class Node:
    """A package."""

    path: str
    name: str
    kind: str
    version: str
    owner: str
    description: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Edge:
    """A package that depends on another, with the imports that make it so: pairs of importing and imported file.

    `declared` tells whether its pyproject.toml names the other; `violation` is the rule that forbids the edge.
    """

    source: str
    target: str
    imports: tuple[tuple[str, str], ...]
    declared: bool
    violation: str | None


@dataclass(frozen=True)
class Call:
    """A service that calls another over HTTP."""

    source: str
    target: str


@dataclass(frozen=True)
class Graph:
    """Everything that the page shows."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    calls: tuple[Call, ...]


def graph(root: Path, *, launcher: Path | None = None) -> Graph:
    """Build the graph of the working folder; imports that the rules forbid are in it, and marked."""
    known = targets(root, launcher=launcher, refuse_forbidden=False)
    return joined(members(root), known, import_rules(root))


def joined(found: Sequence[Member], known: Mapping[str, Target], rules: Mapping[str, Sequence[str]]) -> Graph:
    """Join what the packages declare with what their files import."""
    imports = _imports(found, known)
    by_distribution = {member.distribution: member for member in found}
    declared = {
        (member.path, by_distribution[name].path)
        for member in found
        for name in member.dependencies
        if name in by_distribution
    }
    by_path = {member.path: member for member in found}
    edges = tuple(
        Edge(
            source,
            target,
            tuple(sorted(imports.get((source, target), ()))),
            (source, target) in declared,
            forbidden_by(by_path[source], by_path[target], rules),
        )
        for source, target in sorted(declared | imports.keys())
    )
    by_name = {member.name: member.path for member in found}
    calls = tuple(
        Call(member.path, by_name[name])
        for member in found
        if member.service is not None
        for name in member.service.calls
        if name in by_name
    )
    return Graph(tuple(_node(member) for member in found), edges, calls)


def as_page(drawn: Graph) -> str:
    """Give one HTML page that needs no network."""
    page = resources.files("workspace").joinpath("graph.html").read_text(encoding="utf-8")
    # Inside a script element only its end tag could end it.
    return page.replace(_DATA, json.dumps(asdict(drawn)).replace("</", "<\\/"))


def as_json(drawn: Graph) -> str:
    """Give the graph as a JSON document."""
    return json.dumps(asdict(drawn), indent=2)


def as_text(drawn: Graph) -> str:
    """Give each package with what it depends on and what it calls."""
    lines = []
    for node in drawn.nodes:
        lines.append(f"{node.path} {node.version}")
        lines += [f"  -> {edge.target} ({_reason(edge)})" for edge in drawn.edges if edge.source == node.path]
        lines += [f"  ~> {call.target} (HTTP)" for call in drawn.calls if call.source == node.path]
    return "\n".join(lines)


def _reason(edge: Edge) -> str:
    count = len(edge.imports)
    reason = f"{count} import{'' if count == 1 else 's'}" if count else "declared"
    reason += "" if edge.declared else ", undeclared"
    return f"{reason}; FORBIDDEN: {edge.violation}" if edge.violation else reason


def _imports(found: Sequence[Member], known: Mapping[str, Target]) -> dict[tuple[str, str], set[tuple[str, str]]]:
    owners = {
        address: member.path
        for address, target in known.items()
        if target.kind == "python_source"
        for member in found
        if f"{target.folder}/".startswith(f"{member.path}/src/")
    }
    edges: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for address, source in owners.items():
        for dependency in known[address].depends_on:
            target = owners.get(dependency)
            if target is not None and target != source:
                pair = (known[address].files[0], known[dependency].files[0])
                edges.setdefault((source, target), set()).add(pair)
    return edges


def _node(member: Member) -> Node:
    kinds = [tag.partition(":")[2] for tag in member.tags if tag.startswith("kind:")]
    kind = kinds[0] if kinds else member.path.partition("/")[0]
    return Node(member.path, member.name, kind, member.version, member.owner, member.description, member.tags)
