"""The lock of Pants agrees with uv.lock, or the difference is named."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from workspace import lock
from workspace.errors import WorkspaceError
from workspace.lock import Locked, applicable, differences, pex_packages, uv_packages

StandIn = Callable[[str, str], None]

UV_LOCK = """
version = 1

[[package]]
name = "anyio"
version = "4.16.0"
sdist = { url = "https://example.org/anyio.tar.gz", hash = "sha256:aa" }
wheels = [{ url = "https://example.org/anyio.whl", hash = "sha256:bb" }]

[[package]]
name = "numpy"
version = "2.4.6"
wheels = [{ url = "https://example.org/numpy-2.4.6.whl", hash = "sha256:cc" }]

[[package]]
name = "numpy"
version = "2.5.5"
wheels = [{ url = "https://example.org/numpy-2.5.5.whl", hash = "sha256:dd" }]
"""


def pex_lock(*entries: tuple[str, str, str]) -> str:
    requirements = [
        {"project_name": name, "version": version, "artifacts": [{"hash": checksum}]}
        for name, version, checksum in entries
    ]
    return json.dumps({"locked_resolves": [{"locked_requirements": requirements}]})


def test_pins_are_those_of_the_python_and_the_platforms_that_pants_runs() -> None:
    exported = """
# a comment
anyio==4.16.0
numpy==2.4.6 ; python_full_version < '3.12'
numpy==2.5.5 ; python_full_version >= '3.12'
colorama==0.4.6 ; sys_platform == 'win32'
uvloop==0.23.0 ; sys_platform != 'win32' and platform_python_implementation == 'CPython'
async-timeout==5.0.1 ; python_full_version < '3.11.3'
greenlet==3.5.6 ; platform_machine == 'arm64'
"""
    assert [str(pin) for pin in applicable(exported)] == [
        "anyio==4.16.0",
        "numpy==2.4.6",
        "uvloop==0.23.0",
        'async-timeout==5.0.1; python_full_version < "3.11.3"',
        'greenlet==3.5.6; platform_machine == "arm64"',
    ]


def test_locks_that_agree_have_no_differences() -> None:
    derived = pex_packages(pex_lock(("anyio", "4.16.0", "bb"), ("numpy", "2.4.6", "cc")))

    assert differences({"anyio", "numpy"}, uv_packages(UV_LOCK), derived) == []


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([("anyio", "4.16.0", "bb")], "lacks numpy"),
        ([("anyio", "4.16.0", "bb"), ("numpy", "2.4.6", "cc"), ("six", "1.17.0", "ee")], "holds six, which no package"),
        ([("anyio", "4.15.0", "bb"), ("numpy", "2.4.6", "cc")], "holds anyio 4.15.0, uv.lock 4.16.0"),
        (
            [("anyio", "4.16.0", "bb"), ("numpy", "2.4.6", "ff")],
            "holds a file of numpy 2.4.6 that uv.lock does not: ff",
        ),
        (
            [("anyio", "4.16.0", "bb"), ("numpy", "2.4.6", "dd")],
            "holds a file of numpy 2.4.6 that uv.lock does not: dd",
        ),
    ],
)
def test_every_kind_of_disagreement_is_named(entries: list[tuple[str, str, str]], message: str) -> None:
    found = differences({"anyio", "numpy"}, uv_packages(UV_LOCK), pex_packages(pex_lock(*entries)))

    assert len(found) == 1
    assert message in found[0]


def test_names_are_compared_in_their_normal_form() -> None:
    derived = pex_packages(pex_lock(("Typing_Extensions", "4.16.0", "aa")))

    assert derived == {"typing-extensions": Locked("4.16.0", frozenset({"aa"}))}


def test_a_missing_lock_is_a_problem_of_its_own(tmp_path: Path) -> None:
    assert lock.problems(tmp_path) == ["3rdparty/python/default.lock is missing"]


def test_without_the_tools_the_way_to_them_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="uv is missing: run `make dev-install`"):
        lock.pins(tmp_path)


def test_the_pins_come_from_the_export_of_uv(tmp_path: Path, stand_in: StandIn) -> None:
    stand_in("uv", "echo 'anyio==4.16.0 ; python_full_version >= \"3.9\"'")

    assert lock.pins(tmp_path) == "anyio==4.16.0\n"


def test_an_export_that_fails_says_why_and_what_to_do(tmp_path: Path, stand_in: StandIn) -> None:
    stand_in("uv", "echo 'the lock is odd' >&2; exit 2")

    with pytest.raises(WorkspaceError, match=r"run `make lock`(.|\n)*the lock is odd"):
        lock.pins(tmp_path)


def test_a_lock_is_resolved_from_its_pins_and_then_fits(tmp_path: Path, stand_in: StandIn) -> None:
    stand_in("uv", "echo anyio==4.16.0")
    (tmp_path / "uv.lock").write_text(UV_LOCK, encoding="utf-8")
    resolved = tmp_path / "resolved.json"
    resolved.write_text(pex_lock(("anyio", "4.16.0", "aa")), encoding="utf-8")
    stand_in("pex3", f'while [ "$1" != --output ]; do shift; done; cp {resolved} "$2"')
    lock.pins_file(tmp_path).parent.mkdir(parents=True)
    lock.pins_file(tmp_path).write_text(lock.pins(tmp_path), encoding="utf-8")

    lock.write(tmp_path)

    assert lock.problems(tmp_path) == []
    lock.pins_file(tmp_path).write_text("anyio==4.15.0\n", encoding="utf-8")
    assert lock.problems(tmp_path) == ["3rdparty/python/requirements.txt does not hold the pins of uv.lock"]


def test_a_resolution_that_fails_shows_what_the_resolver_said(tmp_path: Path, stand_in: StandIn) -> None:
    stand_in("pex3", "echo 'no such version' >&2; exit 1")

    with pytest.raises(WorkspaceError, match=r"default\.lock cannot be resolved(.|\n)*no such version"):
        lock.write(tmp_path)
