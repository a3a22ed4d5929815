"""Whether packages are built as their templates would build them: the same files, declarations and entry points.

A package is compared with what its template makes of the same name, port and description. The example that the template
brings is its own affair; so is what a package has beside the common parts.
"""

import ast
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from workspace.errors import WorkspaceError
from workspace.members import Member
from workspace.package_templates import Answers, Kind, recorded, render

_EVERYWHERE = ("pyproject.toml", "README.md", "CHANGELOG.md", "src/{name}/__init__.py", "src/{name}/py.typed")
_OF_SERVICES = ("src/{name}/main.py", "src/{name}/settings.py", "tests/conftest.py")
_OF_TABLES = ("src/{name}/migrations/__init__.py",)
_LAYERS = ("routes", "service", "repository", "models", "schemas")
# What a package decides for itself.
_OWN = frozenset({"version", "dependencies", "tags", "prefixes", "calls", "requires"})


def deviations(root: Path, packages: Sequence[Member]) -> list[str]:
    """Compare libraries and services with their templates; give a message per difference.

    Raises WorkspaceError for one that no template made, and for a module that is not valid Python.
    """
    found = []
    for package in packages:
        if package.path.startswith("tools/"):
            continue
        answers, _ = recorded(package)
        told = replace(answers, name=package.name, description=package.description, owner=package.owner)
        if package.service is not None:
            told = replace(told, port=package.service.port)
        with TemporaryDirectory(prefix="purser-anatomy-") as folder:
            made = Path(folder)
            render(root, root / told.kind.template, told, tree="", into=made)
            found += [
                f"{package.path}/{message}, unlike {told.kind.template}" for message in _compared(package, told, made)
            ]
    return found


def _compared(package: Member, answers: Answers, made: Path) -> Iterator[str]:
    names = [
        *_EVERYWHERE,
        *(_OF_SERVICES if answers.kind is Kind.SERVICE else ()),
        *(_OF_TABLES if answers.tables else ()),
    ]
    wanted = [name.format(name=package.name) for name in names]
    missing = [name for name in wanted if not (package.folder / name).is_file()]
    yield from (f"{name} is missing" for name in missing)
    if answers.tables:
        yield from (
            f"src/{package.name}/{layer} is missing"
            for layer in _LAYERS
            if not (package.sources / f"{layer}.py").is_file() and not (package.sources / layer).is_dir()
        )
    if not missing:
        yield from _declarations(package, made)
        yield from _titles(package, made)
    if not missing and answers.kind is Kind.SERVICE:
        yield from _entry_points(package, made)


def _declarations(package: Member, made: Path) -> Iterator[str]:
    own = tomllib.loads((package.folder / "pyproject.toml").read_text(encoding="utf-8"))
    common = tomllib.loads((made / "pyproject.toml").read_text(encoding="utf-8"))
    yield from (f"pyproject.toml: {problem}" for problem in _tables(own, common))
    ranges = _requirements(own)
    shared = {name: text for name, text in _requirements(common).items() if name in ranges}
    for name, text in shared.items():
        if ranges[name] != text:
            yield f'pyproject.toml: requires "{ranges[name]}" and not "{text}"'
    if [name for name in ranges if name in shared] != list(shared):
        yield f"pyproject.toml: `dependencies` does not begin with {', '.join(shared)} in this order"


def _tables(own: Mapping[str, object], common: Mapping[str, object], place: str = "") -> Iterator[str]:
    """Compare tables: what the common one has, the own one has too, in the same order and with the same values."""
    if [key for key in own if key in common] != list(common):
        yield f"[{place or 'the file'}] does not have {', '.join(common)} in this order"
        return
    for key, value in common.items():
        mine = own[key]
        if isinstance(value, dict) and isinstance(mine, dict):
            yield from _tables(mine, value, f"{place}.{key}".removeprefix("."))
        elif key not in _OWN and mine != value:
            yield f"[{place}] {key} is {mine!r} and not {value!r}"


def _requirements(declared: Mapping[str, dict[str, list[str]]]) -> dict[str, str]:
    return {canonicalize_name(Requirement(text).name): text for text in declared["project"]["dependencies"]}


def _titles(package: Member, made: Path) -> Iterator[str]:
    """Compare how documents and modules begin: a title may go on, never differ."""
    for name, lines in (("README.md", 3), ("CHANGELOG.md", 1)):
        wanted = "\n".join((made / name).read_text(encoding="utf-8").splitlines()[:lines]).removesuffix(".")
        if not (package.folder / name).read_text(encoding="utf-8").startswith(wanted):
            yield f"{name} does not begin with {wanted!r}"
    for path in sorted((made / "src").rglob("*.py")):
        name = path.relative_to(made).as_posix()
        mine = package.folder / name
        if path.name in {"__init__.py", "main.py", "settings.py"} and mine.is_file():
            wanted = (ast.get_docstring(_module(path)) or "").removesuffix(".")
            if not (ast.get_docstring(_module(mine)) or "").startswith(wanted):
                yield f"{name} does not begin with {wanted!r}"


def _entry_points(package: Member, made: Path) -> Iterator[str]:
    name = f"src/{package.name}/main.py"
    own, common = (_functions(_module(folder / name)) for folder in (package.folder, made))
    if [function for function in own if function in common] != list(common):
        yield f"{name} does not define {', '.join(common)} in this order"
        return
    # The one that runs all others in its process does more in these.
    for function in () if package.is_composition else ("create_app", "run"):
        if ast.dump(own[function]) != ast.dump(common[function]):
            yield f"{name}: {function}() is not\n{ast.unparse(common[function])}\n"
    described, wanted = (_described(functions["service"]) for functions in (own, common))
    for key in ("name", "version", "summary"):
        if described.get(key) != wanted[key]:
            yield f"{name}: service() gives {key}={described.get(key)} and not {wanted[key]}"


def _module(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise WorkspaceError(f"{path}, line {error.lineno}: {error.msg}") from error


def _functions(module: ast.Module) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}


def _described(function: ast.FunctionDef) -> dict[str, str]:
    """Give the arguments by name of the `Service(...)` that a function returns."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Service":
            return {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg is not None}
    return {}
