"""What changed in the public face of a library between two states of its sources.

The face is what the package's `__init__` exports by `__all__`, and the modules that it declares as `public`.
"""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import griffe

from workspace.contracts import ContractChange, Weight
from workspace.errors import WorkspaceError


def loaded(name: str, sources: Path) -> griffe.Module:
    """Read a package's sources, without importing them. Raises WorkspaceError when they cannot be read."""
    collection = griffe.ModulesCollection()
    try:
        package = griffe.load(name, search_paths=[sources], modules_collection=collection, allow_inspection=False)
    except (ImportError, griffe.GriffeError, SyntaxError) as error:
        raise WorkspaceError(f"{sources / name}: its public face cannot be read: {error}") from error
    if not isinstance(package, griffe.Module):
        raise WorkspaceError(f"{sources / name} is no package")
    return package


def face_changes(base: griffe.Module, head: griffe.Module, public: Sequence[str]) -> list[ContractChange]:
    """Compare two states of a package; gives every break and every addition of its face, in order and once."""
    before, after = face(base, public), face(head, public)
    changes = {ContractChange(name, "removed", Weight.BREAK) for name in _outermost(before.keys() - after.keys())}
    changes |= {ContractChange(name, "added", Weight.ADDITION) for name in _outermost(after.keys() - before.keys())}
    names = {after[name].path: name for name in before.keys() & after.keys()}
    for breakage in griffe.find_breaking_changes(base, head):
        # What is removed is seen above, by the name under which it was imported.
        if breakage.kind is not griffe.BreakageKind.OBJECT_REMOVED and (name := names.get(breakage.obj.path)):
            changes.add(ContractChange(name, _said(breakage), Weight.BREAK))
    return sorted(changes)


def face(package: griffe.Module, public: Sequence[str]) -> dict[str, griffe.Object]:
    """Give the objects of the face by the names under which they are imported, with the members of classes."""
    found: dict[str, griffe.Object] = {}
    for module in _modules(package, public):
        for name in module.exports or [name for name, member in module.members.items() if member.is_public]:
            key = str(name)
            if (member := _member(module, key)) is not None and (known := _object(member)) is not None:
                found.update(_with_members(f"{module.path}.{key}", known))
    return found


def _member(module: griffe.Module, name: str) -> griffe.Object | griffe.Alias | None:
    member = module.members.get(name)
    imported = module.imports.get(name)
    if isinstance(member, griffe.Module) and imported is not None and imported != member.path:
        # What is imported from a module of its own name hides that module from users, and griffe shows the module.
        found = module.modules_collection.get_member(imported)
        return found if isinstance(found, griffe.Object | griffe.Alias) else None
    return member


def _modules(package: griffe.Module, public: Sequence[str]) -> Iterator[griffe.Module]:
    yield package
    for name, module in sorted(package.modules.items()):
        if isinstance(module, griffe.Module) and any(fnmatchcase(name, pattern) for pattern in public):
            yield module


def _with_members(path: str, known: griffe.Object) -> Iterator[tuple[str, griffe.Object]]:
    yield path, known
    if isinstance(known, griffe.Class):
        for name, member in known.members.items():
            if not name.startswith("_") and (inner := _object(member)) is not None:
                yield f"{path}.{name}", inner


def _object(member: griffe.Object | griffe.Alias) -> griffe.Object | None:
    """The object itself; None for one that comes from another distribution or a plain module."""
    try:
        known = member.final_target if isinstance(member, griffe.Alias) else member
    except (griffe.AliasResolutionError, griffe.CyclicAliasError):
        return None
    return None if isinstance(known, griffe.Module) else known


def _outermost(names: set[str]) -> Iterator[str]:
    """Leave out the members of what is named itself."""
    return (name for name in names if name.rpartition(".")[0] not in names)


def _said(breakage: griffe.Breakage) -> str:
    subject = breakage.new_value if breakage.new_value is not None else breakage.old_value
    what = breakage.kind.value[0].lower() + breakage.kind.value[1:]
    return f"{what} ({subject.name})" if isinstance(subject, griffe.Parameter) else what
