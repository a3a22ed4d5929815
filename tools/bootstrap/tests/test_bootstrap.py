"""Installing nothing twice, finding an interpreter, and saying what is missing; the installers are stand-ins."""

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from bootstrap import main as command
from bootstrap.checkout import Checkout
from bootstrap.commands import failure, run
from bootstrap.errors import BootstrapError
from bootstrap.interpreters import python39, version_of
from bootstrap.stamps import Stamp, digest
from bootstrap.steps import install_environment, install_pants, install_tools, pants_settings

SOURCES = Path(sys.modules["bootstrap"].__path__[0]).parent
Script = Callable[[str, str], Path]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    root = tmp_path / "clone"
    root.mkdir()
    (root / "uv.lock").write_text("locked", encoding="utf-8")
    (root / "libs" / "config").mkdir(parents=True)
    (root / "libs" / "config" / "pyproject.toml").write_text("declared", encoding="utf-8")
    return Checkout(root)


@pytest.fixture
def script(checkout: Checkout) -> Script:
    """Writes an executable shell script below the checkout."""

    def write(path: str, body: str) -> Path:
        file = checkout.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        file.chmod(0o755)
        return file

    return write


@pytest.fixture
def uv(checkout: Checkout, script: Script) -> Path:
    """A stand-in for uv: it notes how it was called, and makes what the real one makes."""
    return script(
        ".tools/python/bin/uv",
        f"""echo "$@" >> {checkout.root}/calls
case "$1" in
  sync) mkdir -p {checkout.environment}/bin; touch {checkout.environment}/bin/python;;
  venv) for last; do :; done; mkdir -p $last/bin; printf '#!/bin/sh\\n' > $last/bin/pants; chmod +x $last/bin/pants;;
esac""",
    )


def calls(checkout: Checkout) -> list[str]:
    file = checkout.root / "calls"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def test_a_digest_changes_with_every_input_and_with_nothing_else(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("1", encoding="utf-8")
    known = digest([first, second], ["x"])

    assert digest([second, first], ["x"]) == known
    assert digest([first, second], ["y"]) != known
    second.write_text("", encoding="utf-8")
    assert digest([first, second], ["x"]) == known
    second.write_text("2", encoding="utf-8")
    assert digest([first, second], ["x"]) != known


def test_a_step_is_finished_only_while_its_outputs_are_there(tmp_path: Path) -> None:
    output = tmp_path / "output"
    stamp = Stamp(tmp_path / "stamps" / "step")
    output.touch()
    stamp.write("inputs")

    assert stamp.matches("inputs", [output])
    assert not stamp.matches("other inputs", [output])
    output.unlink()
    assert not stamp.matches("inputs", [output])


def test_an_interrupted_step_is_done_again(tmp_path: Path) -> None:
    stamp = Stamp(tmp_path / "step")
    stamp.write("inputs")
    stamp.clear()

    assert not stamp.matches("inputs", [])


def test_the_environment_is_synced_once_until_a_declaration_changes(checkout: Checkout, uv: Path) -> None:
    install_environment(checkout, "runtime")
    install_environment(checkout, "runtime")
    assert len(calls(checkout)) == 1
    assert "--locked" in calls(checkout)[0]
    assert "--all-groups" not in calls(checkout)[0]

    (checkout.root / "libs" / "config" / "pyproject.toml").write_text("changed", encoding="utf-8")
    install_environment(checkout, "runtime")
    assert len(calls(checkout)) == 2


def test_a_developers_environment_is_not_taken_back_to_what_running_needs(checkout: Checkout, uv: Path) -> None:
    install_environment(checkout, "development")
    install_environment(checkout, "runtime")

    assert len(calls(checkout)) == 1
    assert "--all-groups --all-extras" in calls(checkout)[0]


def test_an_unknown_level_is_answered_with_those_there_are(checkout: Checkout) -> None:
    with pytest.raises(BootstrapError, match=r'no level "full".*runtime, development'):
        install_environment(checkout, "full")


def test_pants_is_installed_with_a_python_of_its_own_and_told_its_pex(
    checkout: Checkout, uv: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(script("bin/python3.9", "echo 3.9").parent) + ":/usr/bin:/bin")
    script(".tools/python/bin/pex", 'while [ "$1" != -o ]; do shift; done; printf content > "$2"')
    script("pants", "true")
    (checkout.environment / "bin").mkdir(parents=True)

    install_pants(checkout)
    install_pants(checkout)

    assert [call.split()[0] for call in calls(checkout)] == ["venv", "pip"]
    settings = (checkout.tools / "pants.env").read_text(encoding="utf-8")
    assert f'export PURSER_PANTS="{checkout.tools}/pants/bin/pants"' in settings
    assert f"linux_x86_64|{hashlib.sha256(b'content').hexdigest()}|7" in settings
    assert (checkout.environment / "bin" / "pants").readlink() == checkout.root / "pants"


def test_an_official_launcher_on_the_path_is_preferred_to_an_installation(
    checkout: Checkout, uv: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = script("pants", "true")
    launcher = script("elsewhere/pants", "true")
    monkeypatch.setenv("PATH", f"{own.parent}:{launcher.parent}:/usr/bin:/bin")
    script(".tools/python/bin/pex", 'while [ "$1" != -o ]; do shift; done; printf content > "$2"')
    (checkout.environment / "bin").mkdir(parents=True)

    install_pants(checkout)

    assert calls(checkout) == []
    assert f'PURSER_PANTS="{launcher}"' in (checkout.tools / "pants.env").read_text(encoding="utf-8")


def test_the_settings_are_shell_that_gives_pants_its_values(tmp_path: Path) -> None:
    pex = tmp_path / "pex"
    pex.write_bytes(b"1234")
    settings = tmp_path / "settings"
    settings.write_text(pants_settings(tmp_path / "pants", pex), encoding="utf-8")

    told = subprocess.run(
        ["sh", "-c", f'. {settings}; echo "$PURSER_PANTS|$PANTS_PEX_CLI_URL_TEMPLATE"'],
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout == f"{tmp_path}/pants|file://{pex}\n"


def test_a_shim_that_does_not_run_is_passed_over_for_a_python_that_does(
    checkout: Checkout, uv: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = script("shims/python3.9", "echo 'pyenv: command not found' >&2; exit 127")
    real = script("pyenv/versions/3.9.18/bin/python3.9", "echo 3.9")
    monkeypatch.setenv("PATH", f"{shim.parent}:/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(checkout.root / "pyenv"))

    assert python39(uv) == real
    assert version_of(shim) is None


def test_without_a_python_39_every_place_looked_at_and_the_ways_out_are_told(
    checkout: Checkout, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = script("uv", "echo 'error sending request' >&2; exit 2")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(checkout.root / "pyenv"))

    with pytest.raises(BootstrapError) as refused:
        python39(uv)

    assert "Pants needs Python 3.9" in str(refused.value)
    assert f"{checkout.root}/pyenv/versions" in str(refused.value)
    assert "pyenv install 3.9" in str(refused.value)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("Failed to establish a new connection: [Errno -2] Name or service not known", "index cannot be reached"),
        ("error: error sending request for url", "Check the network"),
        ("The virtual environment was not created: ensurepip is not available", "python3-venv"),
        ("The lockfile at `uv.lock` needs to be updated, but `--locked` was provided", "Run: make lock"),
        ("no such option", "status 2; its messages stand above"),
    ],
)
def test_a_failed_installer_becomes_a_sentence_with_the_way_out(output: str, message: str) -> None:
    assert message in failure("Installing uv", ["pip", "install"], 2, output)


def test_what_an_installer_prints_is_passed_on_while_it_runs(
    script: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    run([script("installer", "echo Downloading polars")], "Installing")

    assert capsys.readouterr().err == "    Downloading polars\n"


def test_an_installer_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BootstrapError, match=r"Installing: cannot start .*/absent: No such file"):
        run([tmp_path / "absent"], "Installing")


def test_the_tools_are_installed_into_an_environment_of_their_own(
    checkout: Checkout, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = script(
        "python3",
        f"""echo "$@" >> {checkout.root}/calls
mkdir -p {checkout.tools}/python/bin; cp "$0" {checkout.tools}/python/bin/python; touch {checkout.uv}""",
    )
    monkeypatch.setattr(sys, "executable", str(python))

    install_tools(checkout)
    install_tools(checkout)

    assert [call.split()[:3] for call in calls(checkout)] == [["-m", "venv", "--clear"], ["-m", "pip", "install"]]


def test_outside_a_checkout_the_command_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["tools", "--root", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"bootstrap: {tmp_path} is not the root of a checkout: it holds no uv.lock\n"


def test_two_bootstraps_of_one_checkout_wait_for_each_other(
    checkout: Checkout, uv: Path, script: Script, capfd: pytest.CaptureFixture[str]
) -> None:
    gate = checkout.root / "gate"
    os.mkfifo(gate)
    body = uv.read_text(encoding="utf-8").removeprefix("#!/bin/sh\n")
    script(".tools/python/bin/uv", f"echo holding >&2; cat {gate} > /dev/null\n{body}")
    stamp_tools(checkout, script)
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "bootstrap", "runtime", "--root", str(checkout.root)],
            env={**os.environ, "PYTHONPATH": str(SOURCES)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]

    # Opening the pipe waits for the one that installs; the other then finds the work done.
    opened = threading.Thread(target=lambda: gate.write_text("go", encoding="utf-8"))
    opened.start()
    told = [process.communicate(timeout=60)[1] for process in started]
    opened.join()

    assert [process.returncode for process in started] == [0, 0]
    assert len(calls(checkout)) == 1
    assert sum("holding" in text for text in told) == 1


def stamp_tools(checkout: Checkout, script: Script) -> None:
    """Make the step of the tools look finished, as a process with this interpreter sees it."""
    script(".tools/python/bin/python", "true")
    code = (
        "import sys; from pathlib import Path; from bootstrap.stamps import Stamp, digest;"
        "from bootstrap.steps import UV_VERSION, PEX_VERSION; from bootstrap.checkout import Checkout;"
        "c = Checkout(Path(sys.argv[1]));"
        "Stamp(c.stamp('tools')).write("
        "digest(texts=[UV_VERSION, PEX_VERSION, sys.version, str(c.tools / 'python')]))"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(checkout.root)], env={**os.environ, "PYTHONPATH": str(SOURCES)}, check=True
    )


def test_an_old_python_gets_a_sentence() -> None:
    text = (SOURCES / "bootstrap" / "__main__.py").read_text(encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.version_info = (3, 8, 1); exec({text!r})"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith(f"bootstrap: Python 3.8 at {sys.executable} is too old: Purser needs Python 3.11")
