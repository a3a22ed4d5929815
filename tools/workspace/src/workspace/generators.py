"""New packages, made from their templates."""

import keyword
import re
import shutil
import sys
from pathlib import Path

from workspace.catalogue import check
from workspace.errors import WorkspaceError
from workspace.member_lists import declarations
from workspace.members import members, services
from workspace.package_templates import Answers, Kind, committed_tree, render

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_PORTS = range(1024, 65536)
_UNQUOTABLE = frozenset('"\\\n\r\t')
_LIBRARY_SCOPE = "domain"


def new_package(
    root: Path,
    kind: Kind,
    name: str,
    *,
    owner: str = "platform",
    description: str | None = None,
    port: str = "0",
    tables: bool = False,
) -> list[str]:
    """Make a package, enter it in the lists of packages, and give the paths of the files that were written.

    Without a description it is what the template's example does. Port and tables are a service's. Raises WorkspaceError
    for a name, port or description that cannot be taken; then nothing is written.
    """
    _check_name(root, kind, name)
    described = description or _example(kind, tables=tables)
    _check_description(described)
    if kind is Kind.SERVICE:
        answers = Answers(kind, name, described, owner, port=_free_port(root, port), tables=tables)
    else:
        answers = Answers(kind, name, described, owner, scope=_LIBRARY_SCOPE)
    folder = root / answers.path
    render(root, root / kind.template, answers, tree=committed_tree(root, kind), into=folder)
    try:
        check(services(root))
    except WorkspaceError:
        shutil.rmtree(folder)
        raise
    written = [path for path in folder.rglob("*") if path.is_file()]
    for path, text in declarations(root, members(root)):
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return sorted(path.relative_to(root).as_posix() for path in written)


def _example(kind: Kind, *, tables: bool) -> str:
    if kind is Kind.LIBRARY:
        return "Amounts in parts that sum to them"
    return "Notes that a user keeps" if tables else "Tells who asks"


def _check_name(root: Path, kind: Kind, name: str) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise WorkspaceError(f'NAME "{name}" cannot be imported: use small letters, digits and _, as in plan_service')
    if name in sys.stdlib_module_names:
        raise WorkspaceError(f'NAME "{name}" is a module of Python, which nobody could import any more')
    for member in members(root):
        if member.name == name:
            raise WorkspaceError(f'NAME "{name}" is taken by {member.path}')
    folder = root / kind.group / name
    left = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    if left:
        raise WorkspaceError(
            f"{left[0].relative_to(root)} is there already: move {kind.group}/{name} away, or choose another NAME"
        )


def _check_description(description: str) -> None:
    if _UNQUOTABLE & set(description) or description.endswith("."):
        raise WorkspaceError(
            f"DESCRIPTION {description!r}: write one line without quotes, backslashes and a full stop at its end"
        )


def _free_port(root: Path, text: str) -> int:
    taken = {service.service.port: service for service in services(root) if service.service is not None}
    free = next(port for port in _PORTS if port > max(taken, default=8000) and port not in taken)
    if not text.isdecimal() or int(text) not in _PORTS:
        raise WorkspaceError(f'PORT "{text}" cannot be had: choose one from 1024 to 65535; {free} is free')
    port = int(text)
    if port in taken:
        raise WorkspaceError(f"PORT {port} is taken by {taken[port].path}; {free} is free")
    return port
