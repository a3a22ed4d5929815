"""The corpus runner beside a small ledger that keeps the rules, and beside ledgers that break them one by one."""

import http.server
import json
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from workspace import corpus
from workspace.corpus_client import Ledger, embedded
from workspace.errors import WorkspaceError
from workspace.main import main


class SmallLedger:
    """Books lines such as `4.50 EUR`; `?` is a row that cannot be read, `opening 1 closing 5` states balances."""

    def __init__(self, **faults: Any) -> None:
        self.faults = faults
        self.rows: list[dict[str, Any]] = []
        self.imports: list[dict[str, Any]] = []
        self.accounts: list[dict[str, Any]] = []
        self.tokens = 0

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        match method, path:
            case "POST", "/v1/auth/sign-up":
                return self.faults.get("sign_up", 201), {"detail": "closed"}
            case "POST", "/v1/auth/token":
                self.tokens += 1
                return self.faults.get("token", 200), {"access_token": f"t{self.tokens}"}
            case "DELETE", "/v1/ledger":
                self.rows, self.imports, self.accounts = [], [], []
                return self.faults.get("delete", 200), {}
            case "GET", "/v1/accounts":
                return 200, {"items": self.accounts}
            case "POST", "/v1/accounts":
                self.accounts.append({"id": f"account-{len(self.accounts)}", **json.loads(body)})
                return 201, self.accounts[-1]
            case "GET", "/v1/transactions":
                return 200, self._page(self.rows, query)
            case "GET", "/v1/imports":
                return 200, self._page(self.imports, query)
            case "POST", "/v1/imports":
                return self._book(query, body.decode())
        return self._undo(path.split("/")[3])

    def _page(self, items: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
        start = int(query.get("cursor", 0))
        return {"items": items[start : start + 2], "next_cursor": str(start + 2) if start + 2 < len(items) else None}

    def _book(self, query: dict[str, str], text: str) -> tuple[int, Any]:
        if text.startswith("%"):
            return self.faults.get("refusal", 422), {"code": text[1:].strip(), "detail": "It cannot be read."}
        lines = [line.split() for line in text.splitlines()]
        rows = [line for line in lines if len(line) == 2]
        nameless = any(line[1] == "-" for line in rows)
        if nameless and "currency" not in query:
            return 422, {"code": "currency_needed", "detail": "In which currency?"}
        if nameless and "account_id" not in query:
            return 422, {"code": "account_needed", "detail": "Into which account?"}
        held = next((a["currency"] for a in self.accounts if a["id"] == query.get("account_id")), None)
        if nameless and held != "GBP":
            return 422, {"code": "currency_differs", "detail": f"The account is kept in {held}, the file in GBP."}
        return 201, self._booked(rows, lines)

    def _booked(self, rows: list[list[str]], lines: list[list[str]]) -> dict[str, Any]:
        repeated = bool(self.rows) and not self.faults.get("books_twice")
        import_id = f"import-{len(self.imports)}"
        sums: dict[str, Decimal] = {}
        for amount, currency in rows:
            code = "GBP" if currency == "-" else currency
            sums[code] = sums.get(code, Decimal(0)) + Decimal(amount)
            if not repeated:
                kept = Decimal(amount) + self.faults.get("off_by", 0)
                self.rows.append({"amount": str(kept), "currency": code, "import": import_id})
        refused = sum(line == ["?"] for line in lines)
        stated = next((line for line in lines if line[:1] == ["opening"]), None)
        balances = [{"kind": k, "amount": a} for k, a in zip(stated[::2], stated[1::2], strict=True)] if stated else []
        status = "unproven"
        gap = Decimal(0)
        if stated is not None:
            gap = Decimal(stated[3]) - Decimal(stated[1]) - sum(sums.values())
            status = "adds_up" if not gap or self.faults.get("believes") else "gap"
        record = {
            "id": import_id,
            "status": "booked",
            "format": "small",
            "statements": 1,
            "read": len(rows) + refused + self.faults.get("reads_more", 0),
            "booked": 0 if repeated else len(rows),
            "repeated": len(rows) if repeated else 0,
            "replaced": 0,
            "refused": refused,
            "proposed": 0,
            "refusals": [{"place": "line 1", "reason": self.faults.get("reason", "odd")}] * refused,
            "sums": [{"currency": currency, "amount": str(amount)} for currency, amount in sums.items()],
            "balances": balances,
            "reconciliations": [
                {
                    "status": status,
                    "opening": stated and stated[1],
                    "closing": stated and stated[3],
                    "gaps": [] if self.faults.get("hides_gaps") else [{"amount": str(gap)}],
                }
            ],
        }
        self.imports.append(record)
        return record

    def _undo(self, import_id: str) -> tuple[int, Any]:
        record = next(record for record in self.imports if record["id"] == import_id)
        record["status"] = "undone"
        if not self.faults.get("keeps_rows"):
            self.rows = [row for row in self.rows if row["import"] != import_id]
        return self.faults.get("undo", 200), {}


@contextmanager
def serving(ledger: SmallLedger) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        seen: ClassVar[set[str]] = set()

        def handle_one(self) -> None:
            address = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(address.query))
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            token = self.headers.get("authorization", "")
            # A token ends with its first use where the ledger says so, as one does after some minutes.
            if token in self.seen and ledger.faults.get("short_tokens") and "/auth/" not in address.path:
                status, document = 401, None
            else:
                status, document = ledger.answer(self.command, address.path, query, body)
            self.seen.add(token)
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = handle_one  # noqa: N815  (the names that http.server wants)

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


STATEMENT = "4.50 EUR\n-1 EUR\n2 USD\n"
EXPECTED = "file,statements,transactions,sum,currency,balances,expected\n"


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes files into a folder: `folder({"a/b.txt": "4.50 EUR"}, "a/b.txt,1,1,4.50,EUR,,")`."""

    def write(files: dict[str, str], *expected: str) -> Path:
        place = tmp_path / "corpus"
        for name, text in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text, encoding="utf-8", errors="surrogateescape")
        if expected:
            (place / "expected.csv").write_text(EXPECTED + "\n".join(expected), encoding="utf-8")
        return place

    return write


def problems(folder: Path, **faults: Any) -> list[str]:
    with serving(SmallLedger(**faults)) as url:
        return [problem for result in corpus.run(folder, Ledger(url)) for problem in result.problems]


def test_a_folder_without_expectations_is_checked_for_what_must_always_hold(
    folder: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    place = folder(
        {"a/one.txt": STATEMENT, "two.txt": "1 EUR\n?\n", ".hidden": "x", "a/README.md": "x", "no.txt": "%odd"}
    )
    with serving(SmallLedger(short_tokens=True)) as url:
        status = main(["corpus", str(place), "--url", url])
    lines = capsys.readouterr().out.splitlines()
    assert status == 0
    assert [line.split()[0] for line in lines[:4]] == ["file", "a/one.txt", "no.txt", "two.txt"]
    assert " ".join(lines[1].split()) == "a/one.txt small 1 3 3 0 3.50 EUR 2 USD 1 unproven sound"
    assert lines[2].endswith("refused: odd")
    assert lines[5:] == [
        "no.txt: refused: It cannot be read.",
        "two.txt: refused: line 1: odd",
        "3 files, 4 rows booked, 1 refused: 3 sound, 0 differ",
    ]


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ({"books_twice": True}, "the second import gave"),
        ({"keeps_rows": True}, "undoing left 3 rows"),
        ({"undo": 500}, "undoing was answered 500"),
        ({"off_by": 1}, "the rows of the file sum to 3.50 EUR 2 USD, those of the ledger to 5.50 EUR 3 USD"),
        ({"reads_more": 1}, "4 rows read, but"),
    ],
)
def test_a_ledger_that_breaks_a_rule_is_caught(faults: dict[str, Any], words: str, folder: Callable[..., Path]) -> None:
    assert any(words in problem for problem in problems(folder({"a.txt": STATEMENT}), **faults))


@pytest.mark.parametrize(
    ("statement", "faults", "words"),
    [
        ("1 EUR\n?\n", {"reason": ""}, "without its place or a reason"),
        ("%broken", {"refusal": 500}, "answered 500 without a reason"),
        ("%", {}, "answered 422 without a reason"),
        ("1 EUR\nopening 1 closing 9", {"hides_gaps": True}, "no gap is told"),
        ("1 EUR\nopening 1 closing 9", {"believes": True}, "they moved by 8 and the rows by 1"),
    ],
)
def test_refusals_without_reasons_and_hidden_gaps_are_caught(
    statement: str, faults: dict[str, Any], words: str, folder: Callable[..., Path]
) -> None:
    assert any(words in problem for problem in problems(folder({"a.txt": statement}), **faults))


def test_a_file_that_names_neither_account_nor_currency_gets_what_the_answers_ask_for(
    folder: Callable[..., Path],
) -> None:
    assert problems(folder({"a.txt": "5 -\n"})) == []
    assert problems(folder({"a.txt": "5 -\n"}, "a.txt,1,1,5,GBP,,")) == []


@pytest.mark.parametrize(
    ("line", "statement", "found"),
    [
        ("a.txt,1,3,5.50,\"EUR,USD\",,", STATEMENT, []),
        ("a.txt,,2,1,,,", "1 EUR\n?\n", []),
        ("a.txt,1,1,1,EUR,,", "1 EUR\n?\n", []),
        ("a.txt,0,0,0,,,", "%empty", []),
        ("a.txt,1,1,1,,OPBD=1 CLBD=2 | OPBD=1 CLBD=2,", "1 EUR\nopening 1 closing 2", []),
        ("a.txt,1,1,1,,first open 1 last close 2 (add up),", "1 EUR\nopening 1 closing 2", []),
        ("a.txt,1,1,1,,2,", "1 EUR\nopening 1 closing 2", []),
        ("a.txt,2,4,6,GBP,3,", "1 EUR\nopening 1 closing 2", [
            "1 rows booked and 0 refused, 4 expected",
            "the sum is 1, 6 expected",
            "1 statements, 2 expected",
            "the currencies are EUR, GBP expected",
            "no closing balance of 3; there are 2",
        ]),
        ("a.txt,1,1,1,,open 1 close 9 (add up),", "1 EUR\nopening 1 closing 9", ["the balances do not add up"]),
        ("a.txt,1,3,5,,,", "%empty", ["refused (empty: It cannot be read.); 3 rows expected"]),
    ],
)  # fmt: skip
def test_expectations_are_compared_column_by_column(
    line: str, statement: str, found: list[str], folder: Callable[..., Path]
) -> None:
    assert problems(folder({"a.txt": statement}, line)) == found


def test_a_declared_difference_is_shown_with_its_reason_and_must_stay_as_declared(
    folder: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    name, (_, declared) = "ofx/broken_date_missing.ofx", next(iter(corpus.differences().items()))
    line = f"{name},1,3,320.00,USD,,"
    with serving(SmallLedger()) as url:
        assert main(["corpus", str(folder({name: "?\n?\n?\n"}, line)), "--url", url]) == 0
        shown = capsys.readouterr().out
        assert f"{name}: differs as declared: {declared.reason}" in shown
        assert "1 as declared, 0 differ" in shown
        assert main(["corpus", str(folder({name: "1 USD\n?\n?\n"}, line)), "--url", url]) == 1
        assert "the declared difference is 0 rows with the sum 0" in capsys.readouterr().out
        assert main(["corpus", str(folder({name: "?\n?\n?\n"}, f"{name},1,3,0,,,")), "--url", url]) == 1
        assert "is declared to differ" in capsys.readouterr().out


def test_what_cannot_be_run_is_said(folder: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    places: list[tuple[Callable[[], Path], str]] = [
        (lambda: tmp_path / "nowhere", "is no folder"),
        (lambda: tmp_path / "empty", "holds no file"),
        (lambda: folder({"a.txt": "1 EUR"}, "b.txt,1,1,1,,,"), r"files that are not there: b\.txt"),
        (lambda: folder({"a.txt": "1 EUR"}, "a.txt,1,many,1,,,"), "expected.csv, line 2: needs the columns"),
        (lambda: folder({"a.txt": "1 EUR"}, "a.txt,1,1,1,,about 5,"), "expected.csv, line 2: needs the columns"),
        (lambda: folder({"expected.csv": "\udcff", "a.txt": "1 EUR"}), "expected.csv is no CSV in UTF-8"),
        (lambda: folder({"\udcff.txt": "1 EUR"}), "the name is no UTF-8"),
    ]
    with serving(SmallLedger()) as url:
        for place, words in places:
            with pytest.raises(WorkspaceError, match=words):
                corpus.run(place(), Ledger(url))


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ({"sign_up": 403}, "lets nobody sign up: closed"),
        ({"token": 401}, "gives no token"),
        ({"delete": 503}, "DELETE /v1/ledger was answered 503"),
    ],
)
def test_a_server_that_takes_no_user_is_named(faults: dict[str, Any], words: str) -> None:
    with serving(SmallLedger(**faults)) as url, pytest.raises(WorkspaceError, match=words):
        Ledger(url).clear()


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(WorkspaceError, match="cannot be reached"):
        Ledger("http://127.0.0.1:1")


STAND_IN = """
import http.server, os

class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass

def run():
    assert "PURSER_PROFILE" not in os.environ, "it has the settings of whoever starts it"
    http.server.HTTPServer(("127.0.0.1", int(os.environ["PURSER_PORT"])), Ready).serve_forever()
"""


@pytest.fixture
def gateway(tmp_path: Path, importable: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts other code in the place of the embedded Purser."""

    def put(code: str) -> None:
        package = tmp_path / "stand_in" / "api_gateway"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("", encoding="utf-8")
        (package / "main.py").write_text(code, encoding="utf-8")
        importable(package.parent)
        monkeypatch.setenv("PURSER_PROFILE", "production")

    return put


def test_a_purser_of_its_own_runs_as_long_as_it_is_needed(gateway: Callable[[str], None]) -> None:
    gateway(STAND_IN)
    with embedded() as url, urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
        assert answer.status == 200
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{url}/readyz", timeout=5)


def test_a_purser_that_does_not_start_says_why(gateway: Callable[[str], None]) -> None:
    gateway("def run(): raise SystemExit('no room')")
    with pytest.raises(WorkspaceError, match=r"(?s)ended with status 1.*no room"), embedded():
        pass
