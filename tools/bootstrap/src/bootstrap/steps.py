"""The steps: uv, the project's environment, Pants. Each does nothing when its stamp fits."""

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from bootstrap.checkout import Checkout
from bootstrap.commands import run, say
from bootstrap.errors import BootstrapError
from bootstrap.interpreters import python39
from bootstrap.stamps import Stamp, digest

UV_VERSION = "0.13.8"
PEX_VERSION = "2.105.2"
PANTS_VERSION = "2.17.1"
PROJECT_PYTHON = "3.11"

_PLATFORMS = ("linux_x86_64", "linux_arm64", "macos_x86_64", "macos_arm64")
_LEVELS = ("runtime", "development")


def install_tools(checkout: Checkout) -> None:
    """Install uv and pex into a virtual environment of their own."""
    folder = checkout.tools / "python"
    python = folder / "bin" / "python"

    def install() -> None:
        run([sys.executable, "-m", "venv", "--clear", folder], "Making the tools' environment")
        run(
            [python, "-m", "pip", "install", "--disable-pip-version-check", f"uv=={UV_VERSION}", f"pex=={PEX_VERSION}"],
            "Installing uv and pex",
        )

    inputs = digest(texts=[UV_VERSION, PEX_VERSION, sys.version, str(folder)])
    _step(checkout, "tools", inputs, [python, checkout.uv], "uv and pex", install)


def install_environment(checkout: Checkout, level: str) -> None:
    """Bring `.venv` to what uv.lock says: `runtime`, or `development` with tests, linters and every extra.

    An environment that is at the development level stays there.
    """
    record = checkout.tools / "stamps" / "environment-level"
    if record.is_file() and record.read_text() == "development":
        level = "development"
    if level not in _LEVELS:
        raise BootstrapError(f'There is no level "{level}" of the environment; there are: {", ".join(_LEVELS)}')

    def install() -> None:
        # Compiled for whoever only runs it, whose first start would else take twice as long; not with all tools and
        # engines, most of which are never imported and whose compilation takes ten seconds.
        runtime = ["--no-default-groups", "--compile-bytecode"]
        scope = ["--all-groups", "--all-extras"] if level == "development" else runtime
        python = _project_python(checkout)
        run(
            [checkout.uv, "sync", "--project", checkout.root, "--locked", "--python", python, "--all-packages", *scope],
            "Installing the packages of uv.lock",
            # Another activated environment must not become the target.
            environment={"UV_PROJECT_ENVIRONMENT": str(checkout.environment)},
        )
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(level)

    inputs = digest(checkout.declarations(), [level, str(checkout.root)])
    outputs = [checkout.environment / "bin" / "python"]
    _step(checkout, "environment", inputs, outputs, f"the {level} environment", install)


def install_pants(checkout: Checkout) -> None:
    """Make Pants usable: the official launcher where there is one, else an installation of its own; and pex for it."""
    official = checkout.official_pants()
    folder = checkout.tools / "pants"
    binary = official or folder / "bin" / "pants"
    pex = checkout.tools / "pex-cli.pex"
    settings = checkout.tools / "pants.env"

    def install() -> None:
        if official is None:
            _install_own_pants(checkout, folder)
        pex_tool = checkout.tools / "python" / "bin" / "pex"
        run([pex_tool, f"pex=={PEX_VERSION}", "-c", "pex", "-o", pex, *_certificates()], "Building Pants' pex")
        settings.write_text(pants_settings(binary, pex))
        if checkout.environment.is_dir():
            link = checkout.environment / "bin" / "pants"
            link.unlink(missing_ok=True)
            link.symlink_to(checkout.root / "pants")

    inputs = digest(texts=[PANTS_VERSION, PEX_VERSION, str(binary), str(checkout.root)])
    outputs = [binary, pex, settings, checkout.environment / "bin" / "pants"]
    _step(checkout, "pants", inputs, outputs, f"Pants {PANTS_VERSION}", install)


def _install_own_pants(checkout: Checkout, folder: Path) -> None:
    python = python39(checkout.uv)
    run([checkout.uv, "venv", "--clear", "--no-project", "--python", python, folder], "Making Pants' environment")
    wanted = f"pantsbuild.pants=={PANTS_VERSION}"
    run([checkout.uv, "pip", "install", "--python", folder / "bin" / "python", wanted], "Installing Pants")


def pants_settings(binary: Path, pex: Path) -> str:
    """Give the shell lines that the `pants` script reads: what to run, and the pex file that Pants is to trust."""
    content = pex.read_bytes()
    checksum, size = hashlib.sha256(content).hexdigest(), len(content)
    known = ", ".join(f"'v{PEX_VERSION}|{platform}|{checksum}|{size}'" for platform in _PLATFORMS)
    return "".join(
        f'export {name}="{value}"\n'
        for name, value in {
            "PURSER_PANTS": binary,
            "PANTS_PEX_CLI_VERSION": f"v{PEX_VERSION}",
            "PANTS_PEX_CLI_URL_TEMPLATE": f"file://{pex}",
            "PANTS_PEX_CLI_KNOWN_VERSIONS": f"[{known}]",
        }.items()
    )


def _step(
    checkout: Checkout, name: str, inputs: str, outputs: Iterable[Path], title: str, install: Callable[[], None]
) -> None:
    stamp = Stamp(checkout.stamp(name))
    if stamp.matches(inputs, outputs):
        return
    say(f"bootstrap: {title}")
    began = time.monotonic()
    stamp.clear()
    install()
    stamp.write(inputs)
    say(f"bootstrap: {title}: done in {time.monotonic() - began:.0f} s")


def _project_python(checkout: Checkout) -> str:
    """Give the interpreter for `.venv`: 3.11, which uv finds or downloads, else the running one when it is newer."""
    running = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if running == PROJECT_PYTHON:
        return sys.executable
    try:
        run([checkout.uv, "python", "install", "--no-bin", PROJECT_PYTHON], f"Looking for Python {PROJECT_PYTHON}")
    except BootstrapError:
        say(f"bootstrap: no Python {PROJECT_PYTHON}, going on with {running}; `make test` needs {PROJECT_PYTHON}")
        return sys.executable
    return PROJECT_PYTHON


def _certificates() -> list[str]:
    """Give pex the certificates of a network with its own authority: pex does not read pip's configuration."""
    bundle = os.environ.get("SSL_CERT_FILE")
    return ["--cert", bundle] if bundle else []
