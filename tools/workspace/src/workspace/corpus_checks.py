"""What must hold for every statement file, whatever is in it.

It is imported, imported again, undone and imported once more, by the public API alone; the rows are then read back and
counted here, so that no figure is believed only because the service says it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from workspace.corpus_client import Answer, Ledger

_LISTED_REFUSALS = 1000
_TOLD_REFUSALS = 5
_ROUNDS = 4


@dataclass(frozen=True)
class Observed:
    """What was seen of a file. `problem_code` is set when it was refused as a whole; then the rest is empty.

    `contradictions` says what is wrong with it, whatever anybody expected.
    """

    format: str = "-"
    statements: int = 0
    read: int = 0
    booked: int = 0
    refused: int = 0
    sums: Mapping[str, Decimal] = field(default_factory=dict)
    balances: Mapping[str, list[Decimal]] = field(default_factory=dict)
    gaps: int = 0
    added_up: int = 0
    unproven: int = 0
    problem_code: str | None = None
    problem: str = ""
    refusals: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()

    @property
    def total(self) -> Decimal:
        """The sum of all rows, whatever their currencies."""
        return sum(self.sums.values(), Decimal(0))

    @property
    def balance_verdict(self) -> str:
        """Whether the statements' balances are explained by their rows, in two words."""
        told = {"add up": self.added_up, "gap": self.gaps, "unproven": self.unproven}
        return ", ".join(f"{count} {name}" for name, count in told.items() if count) or "-"


def observe(ledger: Ledger, path: Path, currencies: Sequence[str]) -> Observed:
    """Import a file in all the ways, on an empty ledger that is left empty; say what was seen.

    currencies: those of the file, where they are known, for files that do not name them
    """
    ledger.clear()
    content = path.read_bytes()
    first, parameters = _upload(ledger, path.name, content, currencies)
    if first.status != 201:
        return _refused(ledger, first)
    answer = first.json
    rows = ledger.rows()
    seen = _observed(answer)
    wrong = [*_counts(answer), *_sums(answer, rows), *_balances(answer, seen)]
    wrong += _second_time(ledger, content, parameters, len(rows))
    wrong += _undone(ledger, content, parameters, answer)
    ledger.clear()
    return replace(seen, contradictions=tuple(wrong))


def _upload(ledger: Ledger, name: str, content: bytes, currencies: Sequence[str]) -> tuple[Answer, Mapping[str, str]]:
    """Upload a file as its owner would: with the account and currency that the answer asks for."""
    parameters = {"filename": name}
    wanted = [*currencies, "USD"]
    answer = ledger.upload(content, parameters)
    for _ in range(_ROUNDS):
        match answer.json.get("code"):
            case "currency_needed":
                parameters["currency"] = wanted[0]
            case "account_needed":
                parameters["account_id"] = ledger.account(wanted[0])
            case "currency_differs":
                wanted = [_named_currency(str(answer.json["detail"]), wanted[0]), *wanted]
                parameters["account_id"] = ledger.account(wanted[0])
            case _:
                break
        answer = ledger.upload(content, parameters)
    return answer, parameters


def _named_currency(detail: str, besides: str) -> str:
    """The currency of the file in a sentence that names it beside that of the account."""
    words = (word.strip(".,;:()\"'") for word in detail.split())
    return next((w for w in words if len(w) == 3 and w.isalpha() and w.isupper() and w != besides), besides)


def _refused(ledger: Ledger, answer: Answer) -> Observed:
    code, detail = str(answer.json.get("code", "")), str(answer.json.get("detail", ""))
    wrong = []
    if not 400 <= answer.status < 500 or not code or not detail:
        wrong.append(f"the upload was answered {answer.status} without a reason: {code} {detail}".rstrip())
    if ledger.rows() or ledger.imports():
        wrong.append("the file was refused, and still something was booked")
    return Observed(
        problem_code=code or str(answer.status), problem=detail, refusals=(detail,), contradictions=tuple(wrong)
    )


def _observed(answer: Mapping[str, Any]) -> Observed:
    balances: dict[str, list[Decimal]] = {}
    for balance in answer["balances"]:
        balances.setdefault(balance["kind"], []).append(Decimal(balance["amount"]))
    statuses = [found["status"] for found in answer["reconciliations"]]
    return Observed(
        format=answer["format"],
        statements=answer["statements"],
        read=answer["read"],
        booked=answer["booked"],
        refused=answer["refused"],
        sums={item["currency"]: Decimal(item["amount"]) for item in answer["sums"]},
        balances=balances,
        gaps=statuses.count("gap"),
        added_up=statuses.count("adds_up"),
        unproven=statuses.count("unproven"),
        refusals=tuple(f"{row['place']}: {row['reason']}" for row in answer["refusals"][:_TOLD_REFUSALS]),
    )


def _counts(answer: Mapping[str, Any]) -> list[str]:
    """Every row is booked or refused, and each refusal says where and why."""
    wrong = []
    counted = {name: answer.get(name, 0) for name in ("booked", "repeated", "replaced", "refused", "proposed")}
    if answer["read"] != sum(counted.values()):
        wrong.append(f"{answer['read']} rows read, but {counted}")
    if len(answer["refusals"]) != min(answer["refused"], _LISTED_REFUSALS):
        wrong.append(f"{answer['refused']} rows refused, but {len(answer['refusals'])} reasons given")
    if any(not refusal["place"] or not refusal["reason"] for refusal in answer["refusals"]):
        wrong.append("a row is refused without its place or a reason")
    return wrong


def _sums(answer: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What stands in the ledger is what stood in the file, to the last digit."""
    wrong = []
    if len(rows) != answer["booked"]:
        wrong.append(f"{answer['booked']} rows booked, but the ledger holds {len(rows)}")
    in_ledger: dict[str, Decimal] = {}
    for row in rows:
        in_ledger[row["currency"]] = in_ledger.get(row["currency"], Decimal(0)) + Decimal(row["amount"])
    in_file = {item["currency"]: Decimal(item["amount"]) for item in answer["sums"]}
    told_apart = any(answer.get(name) for name in ("repeated", "replaced", "proposed"))
    if not told_apart and {c: s for c, s in in_file.items() if s} != {c: s for c, s in in_ledger.items() if s}:
        wrong.append(f"the rows of the file sum to {_amounts(in_file)}, those of the ledger to {_amounts(in_ledger)}")
    return wrong


def _balances(answer: Mapping[str, Any], seen: Observed) -> list[str]:
    """The balances add up, or the gap is told."""
    wrong = [
        "a statement does not add up, and no gap is told"
        for found in answer["reconciliations"]
        if found["status"] == "gap" and not any(Decimal(gap["amount"]) for gap in found["gaps"])
    ]
    if len(answer["reconciliations"]) != answer["statements"]:
        wrong.append(f"{answer['statements']} statements, but {len(answer['reconciliations'])} reconciliations")
    elif answer["statements"] == 1 and answer["read"] == answer["booked"]:
        (found,) = answer["reconciliations"]
        if found["opening"] is not None and found["closing"] is not None:
            moved = Decimal(found["closing"]) - Decimal(found["opening"])
            if found["status"] == "adds_up" and moved != seen.total:
                wrong.append(f"its balances are said to add up, but they moved by {moved} and the rows by {seen.total}")
    return wrong


def _second_time(ledger: Ledger, content: bytes, parameters: Mapping[str, str], rows: int) -> list[str]:
    """The same file once more changes nothing."""
    again = ledger.upload(content, parameters)
    if again.status != 201:
        return [f"the second import was answered {again.status} {again.json.get('code')}"]
    told = {name: again.json.get(name, 0) for name in ("booked", "replaced", "proposed")}
    left = len(ledger.rows())
    if any(told.values()) or left != rows:
        return [f"the second import gave {told}; the ledger held {rows} rows and holds {left}"]
    return []


def _undone(ledger: Ledger, content: bytes, parameters: Mapping[str, str], first: Mapping[str, Any]) -> list[str]:
    """Undone, the file has never come; and then it can come again."""
    wrong = []
    for record in ledger.imports():
        status = ledger.undo(record["id"])
        if status != 200:
            wrong.append(f"undoing was answered {status}")
    if left := ledger.rows():
        wrong.append(f"undoing left {len(left)} rows")
    again = ledger.upload(content, parameters)
    told = {name: (first.get(name, 0), again.json.get(name, 0)) for name in ("booked", "repeated", "refused")}
    if again.status != 201 or any(before != after for before, after in told.values()):
        wrong.append(f"after undoing, the import was answered {again.status} with (before, after) {told}")
    return wrong


def _amounts(sums: Mapping[str, Decimal]) -> str:
    return " ".join(f"{amount} {currency}" for currency, amount in sorted(sums.items())) or "nothing"
