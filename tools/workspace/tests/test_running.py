"""Real processes: services apart, built files, checks per package, and the command line over them."""

import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from workspace import checks, processes, reports, smoke
from workspace.boundaries import CASES
from workspace.errors import WorkspaceError
from workspace.main import main
from workspace.members import members, services

Declare = Callable[..., Path]

# A service of the standard library: it answers every path, and says at /peers what it was told of its peers.
SERVER = """
import http.server, json, os, sys

class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"services": {"a": {"checks": {"database": {"status": "ok"}}}}}).encode())
    def log_message(self, *_): pass

def run():
    print("peers", os.environ["PURSER_SERVICE_URLS"], flush=True)
    http.server.HTTPServer(("127.0.0.1", int(os.environ["PURSER_PORT"])), Answers).serve_forever()
"""


@pytest.fixture
def ports() -> list[int]:
    return [smoke.free_port(), smoke.free_port()]


@pytest.fixture
def apart(tmp_path: Path, service: Declare, ports: list[int], importable: Callable[..., None]) -> Path:
    """Two services that serve, below a folder that is importable by the processes started from it."""
    folders = [service("alpha_house", ports[0], "/v1/alpha"), service("beta_house", ports[1], "/v1/beta")]
    for folder in folders:
        (folder / "src" / folder.name / "main.py").write_text(SERVER, encoding="utf-8")
    importable(*(folder / "src" for folder in folders))
    return tmp_path


@pytest.fixture
def runner(apart: Path) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        [sys.executable, "-m", "workspace", "run"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=apart,
    )
    yield started
    started.kill()
    started.wait()


def lines_until(process: subprocess.Popen[str], words: str) -> list[str]:
    lines: list[str] = []
    for line in process.stdout or ():
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError(f'"{words}" was never printed:\n{"".join(lines)}')


def test_services_run_apart_know_their_peers_and_stop_together(runner: subprocess.Popen[str], ports: list[int]) -> None:
    printed = "".join(lines_until(runner, f"beta_house               http://127.0.0.1:{ports[1]}"))

    runner.send_signal(signal.SIGINT)
    rest, _ = runner.communicate(timeout=30)

    assert runner.returncode == 0
    assert "Stopping" in rest
    assert "alpha_house          | peers" in printed
    assert f'"beta_house": "http://127.0.0.1:{ports[1]}"' in printed


def test_when_one_service_ends_the_others_are_stopped(apart: Path) -> None:
    (apart / "services" / "beta_house" / "src" / "beta_house" / "main.py").write_text(
        "def run():\n    raise SystemExit(7)\n", encoding="utf-8"
    )

    done = subprocess.run(
        [sys.executable, "-m", "workspace", "run"], capture_output=True, text=True, cwd=apart, timeout=60, check=False
    )

    assert done.returncode == 1
    assert "beta_house ended with status 7: stopping the others" in done.stderr


def test_an_operators_own_addresses_of_peers_stand(tmp_path: Path, service: Declare) -> None:
    service("ledger", 8002)

    told = processes.environment(services(tmp_path), {})
    own = processes.environment(services(tmp_path), {"PURSER_SERVICE_URLS": "ledger=http://elsewhere"})

    assert told["PURSER_SERVICE_URLS"] == '{"ledger": "http://127.0.0.1:8002"}'
    assert own["PURSER_SERVICE_URLS"] == "ledger=http://elsewhere"


def test_an_unknown_service_is_answered_with_those_there_are(
    tmp_path: Path, service: Declare, capsys: pytest.CaptureFixture[str]
) -> None:
    service("ledger", 8002)

    status = main(["--root", str(tmp_path), "run", "ledgr"])

    assert status == 1
    assert capsys.readouterr().err == 'No service is called "ledgr". There are: ledger\n'


def built(root: Path, name: str, script: str) -> None:
    pex = root / "dist" / f"services.{name}" / f"{name}.pex"
    pex.parent.mkdir(parents=True)
    pex.write_text(f"#!{sys.executable}\n{script}", encoding="utf-8")
    pex.chmod(0o755)


def test_a_built_file_that_answers_is_whole_and_one_that_ends_is_named(
    tmp_path: Path, service: Declare, capsys: pytest.CaptureFixture[str]
) -> None:
    service("alpha_house", 8001)
    service("beta_house", 8002)
    told = "import os; os.environ['PURSER_SERVICE_URLS'] = ''\n"
    built(tmp_path, "alpha_house", f"{told}{SERVER}\nrun()\n")
    built(tmp_path, "beta_house", "raise SystemExit('a module is missing')")

    found = smoke.unhealthy(services(tmp_path))

    assert "alpha_house.pex answers /health" in capsys.readouterr().out
    assert len(found) == 1
    assert found[0].startswith("beta_house.pex: ended with status 1:")
    assert "a module is missing" in found[0]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b'{"services": {"a": {"checks": {"ledger": {"status": "down"}}}}}', None),
        (b'{"services": {"a": {"checks": {}}}}', None),
        (b'{"services": {"a": {"checks": {"database": {"status": "down"}}}}}', "/health says that database fails"),
        (b"<html>", "/health gives no report: <html>"),
        (b"[]", "/health gives no report: []"),
    ],
)
def test_a_service_alone_may_miss_its_peers_and_nothing_else(answer: bytes, told: str | None) -> None:
    assert smoke.verdict(answer, ("ledger",)) == told


def test_a_file_that_was_not_built_is_no_success(tmp_path: Path, service: Declare) -> None:
    service("alpha_house", 8001)

    with pytest.raises(WorkspaceError, match=r"alpha_house\.pex is missing: run `make package`"):
        smoke.unhealthy(services(tmp_path))


def test_coverage_is_told_per_package_and_too_little_is_refused(
    tmp_path: Path, declare: Declare, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "def half(flag):\n    if flag:\n        return 1\n    a = 2\n    b = 3\n    return a + b\n"
    for name, calls in (("whole", "half(True) + half(False) == 6"), ("part", "half(True) == 1")):
        folder = declare(f"libs/{name}")
        (folder / "src" / name / "code.py").write_text(code, encoding="utf-8")
        (folder / "tests" / "test_code.py").write_text(
            f"import sys\nsys.path.insert(0, 'libs/{name}/src')\nfrom {name}.code import half\n"
            f"def test_half():\n    assert {calls}\n",
            encoding="utf-8",
        )
    declare("libs/bare")

    found = checks.coverage(members(tmp_path))

    printed = capsys.readouterr().out
    assert "libs/whole                        100.0 %" in printed
    assert found[0] == "libs/bare has no tests"
    assert found[1].startswith("libs/part: ")
    assert found[1].endswith("80 % is the least")


def test_failing_tests_are_no_coverage(tmp_path: Path, declare: Declare, capsys: pytest.CaptureFixture[str]) -> None:
    folder = declare("libs/broken")
    (folder / "tests" / "test_code.py").write_text("def test_it():\n    assert 1 == 2\n", encoding="utf-8")

    assert checks.coverage(members(tmp_path)) == ["libs/broken: its tests fail; see above"]
    assert "assert 1 == 2" in capsys.readouterr().out


def test_benchmarks_run_one_after_the_other_and_a_failed_one_is_named(
    tmp_path: Path, declare: Declare, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = declare("libs/quick")
    (folder / "benchmarks").mkdir()
    (folder / "benchmarks" / "bench_a.py").write_text("print('ratio 1.0')\n", encoding="utf-8")
    (folder / "benchmarks" / "bench_b.py").write_text("raise SystemExit(3)\n", encoding="utf-8")

    assert checks.benchmarks(members(tmp_path)) == ["libs/quick/benchmarks/bench_b.py failed; see above"]
    assert "== libs/quick/benchmarks/bench_a.py\nratio 1.0" in capfd.readouterr().out


def test_no_benchmark_at_all_is_said(tmp_path: Path, declare: Declare) -> None:
    declare("libs/quick")

    with pytest.raises(WorkspaceError, match="There are no benchmarks"):
        checks.benchmarks(members(tmp_path))


def test_reported_tests_are_counted_by_outcome(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "dist" / "test" / "reports"
    folder.mkdir(parents=True)
    (folder / "a.xml").write_text(
        textwrap.dedent("""\
            <testsuites><testsuite>
              <testcase name="one"/><testcase name="two"><skipped/></testcase>
              <testcase name="three"><failure/></testcase>
            </testsuite></testsuites>"""),
        encoding="utf-8",
    )
    (folder / "b.xml").write_text(
        "<testsuites><testsuite><testcase><error/></testcase><testcase/></testsuite></testsuites>", encoding="utf-8"
    )

    assert reports.counts(folder) == reports.Counts(passed=2, failed=2, skipped=1)
    assert main(["--root", str(tmp_path), "count"]) == 0
    assert capsys.readouterr().out == "2 2 1\n"


def test_every_rule_of_the_house_has_a_forbidden_import_that_tries_it() -> None:
    tried = {case.package for case in CASES}

    assert {"libs/config", "libs/api_common", "libs/analytics_core", "libs/data_processing"} <= tried
    assert any(package.startswith("services/") for package in tried)
