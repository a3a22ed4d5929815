"""OFX documents: statements of bank, card and investment accounts, found by their tags wherever they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator

from data_processing.amounts import shortened
from data_processing.errors import BankError, BrokenFile, NoStatements, TruncatedFile
from data_processing.formats.ofx.investments import INVESTMENTS
from data_processing.formats.ofx.rows import INNER_AGGREGATES, read_row
from data_processing.formats.ofx.securities import POSITIONS, SECURITIES, described_security, identifier
from data_processing.formats.ofx.statements import StatementInProgress
from data_processing.formats.ofx.tokens import Token, document_start, survey, tokens, value
from data_processing.formats.source import Source
from data_processing.investments import Security
from data_processing.statement import StatementFile

_STATEMENTS = {"STMTRS": None, "CCSTMTRS": None, "INVSTMTRS": "investment", "LOANSTMTRS": "loan"}
"""The aggregates of statements, and the type of account where the aggregate tells it."""
_ROWS = frozenset({"STMTTRN", "STMTTRNP"})
_ROW_LISTS = frozenset({"BANKTRANLIST", "BANKTRANLISTP", "LOANTRANLIST", "INVTRANLIST"})
_ROW_LIST_ENDS = frozenset({"/BANKTRANLIST", "/BANKTRANLISTP", "/LOANTRANLIST", "/OFX"})
_ACCOUNTS = {"BANKACCTFROM": "", "CCACCTFROM": "credit_card", "INVACCTFROM": "investment", "LOANACCTFROM": "loan"}
_BALANCES = {"LEDGERBAL": "closing", "AVAILBAL": "available", "INVBAL": "cash"}
_EMPLOYERS_PLAN = frozenset({"INV401K", "INV401KBAL"})
_OF_UNKNOWN_KIND = "INVTRAN"
"""What every transaction in securities holds, and is met alone where the aggregate around it is no known one."""
_WHOLE = INVESTMENTS | POSITIONS.keys() | SECURITIES.keys() | {_OF_UNKNOWN_KIND}
"""The aggregates beside rows whose fields are taken together."""
_PREFIXED = frozenset({"CURRENCY", "ORIGCURRENCY", "INVACCTFROM"})
_LISTS = frozenset({"/INVTRANLIST", "/INVPOSLIST", "/SECLIST", "/INVSTMTRS", "/OFX"})
_HEADER = re.compile(r"\bOFXHEADER\b")


class OfxFormat:
    """OFX 1.x and 2.x, and QFX."""

    name = "ofx"

    def detect(self, source: Source) -> float:
        """Certain when there is an OFX element, likely when there is at least its header."""
        if document_start(source.head) is not None:
            return 1.0
        return 0.9 if _HEADER.search(source.head[:2000]) else 0.0

    def read(self, source: Source) -> StatementFile:
        """The statements of the document; raises as ``Format.read`` says."""
        source.refuse_too_large()
        known = survey(source.texts())
        if not known.complete and not known.messages_end:
            raise TruncatedFile(
                "The OFX file stops before its end tag </OFX>, so rows may be missing. Download it again."
            )
        document = _Document(rows_end=known.rows_end)
        if not known.complete:
            document.notes.append(
                "The file ends without </OFX>, but behind a complete set of messages; it is read as it is."
            )
        document.walk(tokens(source.texts(), odd=known.odd, day_first=known.day_first))
        return document.result(self.name, source.encoding)


class _Document:
    """The walk over a document's tokens: keeps the open statement, row and status."""

    def __init__(self, *, rows_end: bool) -> None:
        self.rows_end = rows_end
        self.statements: list[StatementInProgress] = []
        self.securities: dict[tuple[str, str], Security] = {}
        self.notes: list[str] = []
        self.rows = 0
        self.current: StatementInProgress | None = None
        self.around = ""
        self.status: dict[str, str] | None = None
        self.bank_error: tuple[str, str] | None = None

    def walk(self, document: Iterator[Token]) -> None:
        for tag, raw, closed in document:
            # Whatever text stands behind its tag, a row is never passed over.
            if tag in _ROWS:
                self._row(tag, document, closed=bool(closed))
                continue
            if tag in _WHOLE and self._takes(tag):
                self._aggregate(tag, document, closed=bool(closed))
                continue
            if closed or not raw or raw.isspace():
                self._boundary(tag, closed=bool(closed))
            if self.status is not None and tag in ("CODE", "SEVERITY", "MESSAGE"):
                self.status[tag] = value(raw)
            elif self.current is not None:
                self.current.leaf(tag, value(raw))
        self._finish_statement()

    def _boundary(self, tag: str, *, closed: bool) -> None:
        if tag == "STATUS":
            self.status = None if closed else {}
        elif tag == "/STATUS":
            self._finish_status()
        elif tag in _STATEMENTS:
            self._finish_statement()
            self.current = StatementInProgress(_STATEMENTS[tag], rows_before=self.rows)
            if closed:
                self._finish_statement()
        elif tag[:1] == "/" and tag[1:] in _STATEMENTS:
            self._finish_statement()
        elif tag in _ROW_LISTS and not closed:
            account_type = "investment" if tag == "INVTRANLIST" else None
            self.current = self.current or StatementInProgress(account_type, rows_before=self.rows)
            self.current.open_list()
            self.around = ""
        elif self.current is not None and tag == "INVPOSLIST":
            self.current.list_positions()
        elif self.current is not None and not closed:
            self._inside(self.current, tag)

    def _inside(self, current: StatementInProgress, tag: str) -> None:
        if tag in _ACCOUNTS:
            current.open_account(_ACCOUNTS[tag])
        elif tag in _BALANCES:
            current.open_balance(_BALANCES[tag])
        elif tag in _EMPLOYERS_PLAN:
            current.of_employers_plan = True
        elif tag[:1] == "/":
            current.close(tag[1:])
            if tag[1:] == self.around:
                self.around = ""
        else:
            self.around = self.around or tag

    def _row(self, tag: str, document: Iterator[Token], *, closed: bool) -> None:
        """Read one row from its first inner token on; where no row of the file has an end tag, also those after it."""
        current = self.current
        if current is None:
            raise BrokenFile("The OFX file has a transaction outside of any statement. Download it again.")
        while tag in _ROWS:
            fields: dict[str, str] = {}
            end = f"/{tag}" if closed else _read_fields(document, fields)
            if not end or (self.rows_end and end[1:] not in _ROWS):
                raise BrokenFile(
                    f"Transaction {current.rows + 1} of the OFX file has no end, so rows may be missing. "
                    "Download it again."
                )
            current.rows += 1
            read_row(current, fields, pending=tag == "STMTTRNP")
            tag, closed = end, False

    def _finish_status(self) -> None:
        status, self.status = self.status, None
        severity = status.get("SEVERITY", "").upper() if status else ""
        if not status or severity not in ("ERROR", "WARN"):
            return
        code, message = status.get("CODE", ""), status.get("MESSAGE", "")
        if severity == "ERROR":
            self.bank_error = self.bank_error or (code, message)
        without = "an error without a text" if severity == "ERROR" else "a warning without a text"
        self.notes.append(f"The bank reports: {message or without} (code {code or 'unknown'}).")

    def _takes(self, tag: str) -> bool:
        """Whether the aggregate stands where it means something."""
        return tag in SECURITIES or (self.current is not None and self.current.of_investments)

    def _aggregate(self, name: str, document: Iterator[Token], *, closed: bool) -> None:
        """Read a transaction in securities, a position or a security up to its end tag."""
        fields: dict[str, str] = {}
        if closed:
            self._add(name, fields)
            return
        prefix = ""
        for tag, raw, ended in document:
            if tag == f"/{name}":
                self._add(name, fields)
                return
            if ended or (raw and not raw.isspace()):
                fields.setdefault(prefix + tag, value(raw))
            elif tag in _LISTS:
                break
            elif tag[0] == "/":
                prefix = ""
            elif tag in _PREFIXED:
                prefix = tag + "."
        raise BrokenFile(f"A {name} of the OFX file has no end, so rows may be missing. Download it again.")

    def _add(self, name: str, fields: dict[str, str]) -> None:
        if name in SECURITIES:
            if security := described_security(name, fields):
                self.securities.setdefault(identifier(security), security)
        elif self.current is not None and name in POSITIONS:
            self.current.add_position(name, fields)
        elif self.current is not None:
            kind = shortened(self.around or name) if name == _OF_UNKNOWN_KIND else name
            self.current.add_investment(kind, fields)

    def _finish_statement(self) -> None:
        if self.current is not None:
            self.statements.append(self.current)
            self.rows = self.current.rows
            self.current = None

    def result(self, name: str, encoding: str) -> StatementFile:
        if self.statements:
            return self._file(name, encoding)
        if self.bank_error is not None:
            code, message = self.bank_error
            raise BankError(
                f"The file holds no statement but an error of the bank: {message or 'no text given'} (code {code}). "
                "Try the download again later, or ask the bank.",
                bank_code=code,
                bank_message=message,
            )
        raise NoStatements(
            "The OFX file holds no statement. Choose an account and a period with transactions in the bank's export."
        )

    def _file(self, name: str, encoding: str) -> StatementFile:
        statements, notes = [], self.notes
        for current in self.statements:
            statement, found = current.finished(self.securities)
            statements.append(statement)
            notes += found
        securities = dict(self.securities)
        for statement in statements:
            named = [entry.security for entry in statement.investments]
            named += [position.security for position in statement.positions]
            for security in named:
                if security is not None:
                    securities.setdefault(identifier(security), security)
        return StatementFile(name, encoding, tuple(statements), tuple(notes), securities=tuple(securities.values()))


def _read_fields(document: Iterator[Token], fields: dict[str, str]) -> str:
    """Take the fields of a row, several memos as one, and give the tag that ends it; empty where it is damaged."""
    prefix = ""
    for tag, raw, closed in document:
        if closed or (raw and not raw.isspace()):
            name = prefix + tag
            if name not in fields:
                fields[name] = raw
            elif tag == "TRNAMT":
                return ""
            elif tag == "MEMO":
                fields[name] = f"{fields[name].strip()} {raw.strip()}"
        elif tag[0] == "/":
            if tag[1:] in _ROWS or tag in _ROW_LIST_ENDS:
                return tag
            prefix = ""
        elif tag in INNER_AGGREGATES:
            prefix = tag + "."
        elif tag in _ROWS:
            return tag
    return ""
