"""Real statement files through the public API: what came of each, beside what was expected, as a table.

Every file gets an empty ledger. Where the folder has an `expected.csv` (`file,statements,transactions,sum,currency,
balances`), its lines are compared; what must hold for any file is always checked, see `corpus_checks`.
"""

import csv
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from workspace.corpus_checks import Observed, observe
from workspace.corpus_client import Ledger
from workspace.errors import WorkspaceError

EXPECTATIONS = "expected.csv"
DIFFERENCES = Path(__file__).with_name("corpus_differences.toml")
_OPENING, _CLOSING = {"OPBD", "open"}, {"CLBD", "close"}
_NO_STATEMENTS = {EXPECTATIONS, "README.md", "LICENSE"}


@dataclass(frozen=True)
class Expected:
    """A line of expected.csv. What is None is not said."""

    statements: int | None
    transactions: int
    sum: Decimal
    currencies: frozenset[str]
    balances: tuple[tuple[str, Decimal], ...]
    adds_up: bool


@dataclass(frozen=True)
class Difference:
    """A difference from expected.csv that is declared, with what is read instead and why."""

    booked: int
    sum: Decimal
    reason: str


@dataclass(frozen=True)
class Result:
    """What came of one file."""

    file: str
    observed: Observed
    problems: tuple[str, ...]
    declared: str | None
    was_expected: bool

    @property
    def verdict(self) -> str:
        """The last column of the table."""
        if self.problems:
            return "DIFFERS"
        if self.declared is not None:
            return "declared difference"
        if self.observed.problem_code is not None:
            return f"refused: {self.observed.problem_code}"
        return "as expected" if self.was_expected else "sound"


def run(folder: Path, ledger: Ledger) -> list[Result]:
    """Import every file below a folder, and print a line for each as it comes.

    Raises WorkspaceError when the folder or one of its expectations cannot be read.
    """
    files = statement_files(folder)
    expected = expectations(folder)
    missing = expected.keys() - set(files)
    if missing:
        raise WorkspaceError(f"{EXPECTATIONS} tells of files that are not there: {', '.join(sorted(missing))}")
    declared = differences()
    widths = [max([4, *map(len, files)]), 26, 5, 6, 6, 7, 30, 15]
    print(_line(widths, "file", "format", "stmts", "read", "booked", "refused", "sums", "balances", "result"))
    results = []
    for file in files:
        result = examine(ledger, folder, file, expected.get(file), declared.get(file))
        results.append(result)
        print(_row(widths, result), flush=True)
    return results


def examine(ledger: Ledger, folder: Path, file: str, expected: Expected | None, declared: Difference | None) -> Result:
    """Import one file twice, undo it, import it again; give what was seen and what is wrong with it."""
    currencies = sorted(expected.currencies) if expected else []
    observed = observe(ledger, folder / file, currencies)
    problems = list(observed.contradictions)
    reason = None
    if expected is not None and declared is not None:
        reason = declared.reason
        if (observed.booked, observed.total) != (declared.booked, declared.sum):
            problems.append(f"the declared difference is {declared.booked} rows with the sum {declared.sum}")
        elif not _unexpected(observed, expected):
            problems.append("the file is read as expected, but is declared to differ")
    elif expected is not None:
        problems += _unexpected(observed, expected)
    return Result(file, observed, tuple(problems), reason, expected is not None)


def summary(results: Sequence[Result]) -> str:
    """The line below the table."""
    counts = {
        "as expected": sum(result.was_expected and not result.problems and not result.declared for result in results),
        "sound": sum(not result.was_expected and not result.problems for result in results),
        "as declared": sum(result.declared is not None and not result.problems for result in results),
        "differ": sum(bool(result.problems) for result in results),
    }
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count or name == "differ")
    rows = sum(result.observed.booked for result in results)
    refused = sum(result.observed.refused for result in results)
    return f"{len(results)} files, {rows} rows booked, {refused} refused: {told}"


def explanations(results: Sequence[Result]) -> Iterator[str]:
    """A line for each refused row or file, and for each difference, declared or not."""
    for result in results:
        for refusal in result.observed.refusals:
            yield f"{result.file}: refused: {refusal}"
    for result in results:
        if result.declared is not None and not result.problems:
            yield f"{result.file}: differs as declared: {result.declared}"
    for result in results:
        for problem in result.problems:
            yield f"{result.file}: {problem}"


def statement_files(folder: Path) -> list[str]:
    """The files below a folder, by their paths in it, without hidden ones and those that describe the folder."""
    if not folder.is_dir():
        raise WorkspaceError(f"{folder} is no folder: name one with CORPUS=folder")
    paths = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    found = [path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts)]
    found = [name for name in found if Path(name).name not in _NO_STATEMENTS]
    for name in found:
        if not _is_text(name):
            raise WorkspaceError(f"{name!r}: the name is no UTF-8, so no request can hold it; rename the file")
    if not found:
        raise WorkspaceError(f"{folder} holds no file")
    return found


def _is_text(name: str) -> bool:
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False


def expectations(folder: Path) -> dict[str, Expected]:
    """The lines of the folder's expected.csv by file; none where there is no such file."""
    path = folder / EXPECTATIONS
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise WorkspaceError(f"{path} is no CSV in UTF-8: {error}") from error
    found = {}
    for number, line in enumerate(lines, start=2):
        try:
            found[line["file"]] = _expected(line)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise WorkspaceError(
                f"{path}, line {number}: needs the columns file, transactions and sum, with numbers, and balances such "
                f"as OPBD=1.00 CLBD=2.00: {error!r}"
            ) from error
    return found


def differences() -> dict[str, Difference]:
    """The declared differences by file."""
    with DIFFERENCES.open("rb") as file:
        return {
            item["file"]: Difference(item["booked"], Decimal(item["sum"]), item["reason"])
            for item in tomllib.load(file)["difference"]
        }


def _expected(line: Mapping[str, str]) -> Expected:
    balances = line.get("balances") or ""
    return Expected(
        statements=int(line["statements"]) if line.get("statements") else None,
        transactions=int(line["transactions"]),
        sum=Decimal(line["sum"]),
        currencies=frozenset(filter(None, (line.get("currency") or "").split(","))),
        balances=tuple(_stated_balances(balances)),
        adds_up="(add up)" in balances,
    )


def _stated_balances(stated: str) -> Iterator[tuple[str, Decimal]]:
    """Read balances: `OPBD=1.00 CLBD=2.00 | …`, `first open 1.00 last close 2.00 (add up)`, or closing ones."""
    kind = "closing"
    for word in stated.replace("|", " ").replace("=", " ").split():
        if word.strip("()") in {"first", "last", "add", "up"}:
            continue
        if word in _OPENING:
            kind = "opening"
        elif word in _CLOSING:
            kind = "closing"
        else:
            yield kind, Decimal(word)


def _unexpected(observed: Observed, expected: Expected) -> list[str]:
    """What of a file is not as expected.csv says."""
    if observed.problem_code is not None:
        if expected.transactions == 0:
            return []
        return [f"refused ({observed.problem_code}: {observed.problem}); {expected.transactions} rows expected"]
    found = []
    # Some lines count a broken row and some do not; both say that it is refused.
    if observed.booked not in {expected.transactions, expected.transactions - observed.refused}:
        found.append(f"{observed.booked} rows booked and {observed.refused} refused, {expected.transactions} expected")
    if observed.total != expected.sum:
        found.append(f"the sum is {observed.total}, {expected.sum} expected")
    if expected.statements is not None and observed.statements != expected.statements:
        found.append(f"{observed.statements} statements, {expected.statements} expected")
    moved = {currency for currency, amount in observed.sums.items() if amount}
    if expected.currencies and not moved <= expected.currencies <= observed.sums.keys():
        found.append(f"the currencies are {_listed(observed.sums)}, {_listed(expected.currencies)} expected")
    return found + _unexpected_balances(observed, expected)


def _unexpected_balances(observed: Observed, expected: Expected) -> list[str]:
    """What of the balances is not as expected.csv says."""
    found = []
    for kind, amount in expected.balances:
        if amount not in observed.balances.get(kind, ()):
            there = _listed(observed.balances.get(kind, ())) or "none"
            found.append(f"no {kind} balance of {amount}; there are {there}")
    if expected.adds_up and observed.gaps:
        found.append("the balances do not add up")
    return found


def _row(widths: Sequence[int], result: Result) -> str:
    seen = result.observed
    sums = " ".join(f"{amount} {currency}" for currency, amount in seen.sums.items())
    counts = [str(n) for n in (seen.statements, seen.read, seen.booked, seen.refused)]
    return _line(widths, result.file, seen.format, *counts, sums, seen.balance_verdict, result.verdict)


def _line(widths: Sequence[int], *cells: str) -> str:
    fitted = [
        cell.rjust(width) if place in {2, 3, 4, 5} else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=False))
    ]
    return "  ".join([*fitted, *cells[len(widths) :]])


def _listed(values: object) -> str:
    return ", ".join(sorted(map(str, values))) if isinstance(values, Mapping | frozenset | list | tuple) else ""
