"""New packages, made from their templates."""

import importlib.util
import keyword
import re
from pathlib import Path

from workspace import catalogue
from workspace.compose import compose
from workspace.errors import WorkspaceError
from workspace.git import present_files
from workspace.kubernetes import kubernetes
from workspace.member_lists import keep
from workspace.members import Member, ServiceDeclaration, apart, members, services
from workspace.package_templates import Answers, Kind, committed_tree, plural, render

OWNER = "platform"

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_PORTS = range(1024, 65536)
_UNQUOTABLE = frozenset('"\\\n\r\t')
_LIBRARY_SCOPE = "domain"
_ROLES_OF_POSTGRESQL = frozenset({"public", "none"})
# The example has a class or a name of its own that these would hide.
_RESERVED = frozenset({"table", "setting", "idempotency_key"})


def new_service(
    root: Path,
    name: str,
    port: str,
    *,
    resource: str = "",
    description: str = "",
    owner: str = OWNER,
    tables: bool = True,
) -> list[str]:
    """Make a service, enter it in the lists of packages, and give the paths of the files that were written.

    Its example is one resource, which it keeps in a table of its own unless `tables` is false. Resource and description
    have defaults that follow from the name. Raises WorkspaceError for what cannot be taken; then nothing is written.
    """
    _check_name(root, Kind.SERVICE, name)
    one = resource or _resource_of(name)
    if not _NAME.fullmatch(one) or keyword.iskeyword(one) or one in _RESERVED:
        raise WorkspaceError(
            f'RESOURCE "{one}" is no name for what it keeps: use a noun in the singular, as in loan_plan'
        )
    example = f"{plural(one).replace('_', ' ').capitalize()} of a user" if tables else "Tells who asks"
    described = _checked(description or example)
    free = _free_port(root, port)
    answers = Answers(Kind.SERVICE, name, described, owner, port=free, tables=tables, resource=one)
    for service, declared in catalogue.declarations(services(root)):
        for taken in declared.prefixes:
            if catalogue.overlap(answers.prefix, taken):
                raise WorkspaceError(
                    f'RESOURCE "{one}" would be served at {answers.prefix}, and {service.name} serves {taken}: '
                    "choose another"
                )
    _check_names(root, answers)
    return _made(root, answers)


def new_library(root: Path, name: str, *, description: str = "", owner: str = OWNER) -> list[str]:
    """Make a library that depends on no other package, and give the paths of the files that were written.

    Raises WorkspaceError for a name or description that cannot be taken; then nothing is written.
    """
    _check_name(root, Kind.LIBRARY, name)
    described = _checked(description or "Amounts in parts that sum to them")
    return _made(root, Answers(Kind.LIBRARY, name, described, owner, scope=_LIBRARY_SCOPE))


def _made(root: Path, answers: Answers) -> list[str]:
    folder = root / answers.path
    render(root, root / answers.kind.template, answers, tree=committed_tree(root, answers.kind), into=folder)
    made = [path.relative_to(root).as_posix() for path in folder.rglob("*") if path.is_file()]
    return sorted([*made, *keep(root)])


def _resource_of(service: str) -> str:
    """Give what a service is about by its name.

    >>> [_resource_of(name) for name in ("plan_service", "assets_service", "nudge_engine", "ml_inference")]
    ['plan', 'asset', 'nudge', 'ml_inference']
    """
    noun = re.sub("_(service|api|engine)$", "", service)
    return noun.removesuffix("s") if not noun.endswith("ss") else noun


def _check_name(root: Path, kind: Kind, name: str) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise WorkspaceError(f'NAME "{name}" cannot be imported: use small letters, digits and _, as in plan_service')
    for member in members(root):
        if member.name == name:
            raise WorkspaceError(f'NAME "{name}" is taken by {member.path}')
    found = importlib.util.find_spec(name)
    # What was deleted may still be installed, as a folder without modules.
    if found is not None and found.origin is not None:
        raise WorkspaceError(f'NAME "{name}" is what Python imports from {found.origin}, and nobody could any more')
    folder = f"{kind.group}/{name}"
    if left := present_files(root, folder):
        raise WorkspaceError(f"{left[0]} is there already: move {folder} away, or choose another NAME")


def _check_names(root: Path, answers: Answers) -> None:
    """Raise WorkspaceError where what all services share has the new one's name: containers, files, the database."""
    if answers.name in _ROLES_OF_POSTGRESQL or answers.name.startswith("pg_"):
        raise WorkspaceError(f'NAME "{answers.name}" would be a role that PostgreSQL keeps for itself; choose another')
    declared = ServiceDeclaration(answers.port, (answers.prefix,), factory="", calls=())
    planned = Member(root, answers.path, answers.name, "0.1.0", answers.description, declared)
    running = [*apart(services(root)), planned]
    compose(running)
    list(kubernetes(root, running))


def _checked(description: str) -> str:
    if _UNQUOTABLE & set(description) or description.endswith("."):
        raise WorkspaceError(
            f"DESCRIPTION {description!r}: write one line without quotes, backslashes and a full stop at its end"
        )
    return description


def _free_port(root: Path, text: str) -> int:
    taken = {service.service.port: service for service in services(root) if service.service is not None}
    free = next(port for port in _PORTS if port > max(taken, default=8000) and port not in taken)
    if not text.isdecimal() or int(text) not in _PORTS:
        raise WorkspaceError(f'PORT "{text}" cannot be had: choose one from 1024 to 65535; {free} is free')
    port = int(text)
    if port in taken:
        raise WorkspaceError(f"PORT {port} is taken by {taken[port].path}; {free} is free")
    return port
