"""What an import would do: which accounts the rows go to, and which stand there already. No database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from api_common.compute import uncollected
from data_processing import Balance, RefusedRow, StatementFileError

from transaction_service.account_matching import AccountBook, ReferenceKey
from transaction_service.errors import (
    AccountAmbiguous,
    AccountNeeded,
    AccountNotFound,
    CurrencyDiffers,
    CurrencyNeeded,
    ReferenceTaken,
    SeveralAccounts,
    StatementRefused,
)
from transaction_service.models import Account, AccountReference, AccountType
from transaction_service.rule_effects import UNTOUCHED, Chosen
from transaction_service.search_text import folded
from transaction_service.statement_rows import PreparedFile, Row, RowGroup, refused_row

LONGEST_PENDING = timedelta(days=14)
"""So long after its announcement a booking is still taken for the announced row."""


@dataclass(frozen=True, slots=True)
class PendingRow:
    """A row that the bank has announced.

    `chosen` is what the user chose of it, which the booking takes over; so does `counterparty` where the user has
    `edited` the row.
    """

    id: UUID
    account_id: UUID
    identity: str
    booking_date: date
    amount: Decimal
    text: str
    counterparty: str | None
    edited: bool
    chosen: Chosen = UNTOUCHED

    @property
    def wording(self) -> tuple[Decimal, str, str]:
        """What the row and its booking have in common, be it under another date."""
        return self.amount, folded(self.text), folded(self.counterparty or "")

    def may_be_booked_on(self, day: date) -> bool:
        """Whether a booking on that day may be the announced one: on the same day or a little later."""
        return timedelta(0) <= day - self.booking_date <= LONGEST_PENDING


@dataclass(slots=True)
class AccountPlan:
    """What happens to one account.

    `book` holds rows to insert, `settle` rows to insert in place of pending rows that the bank has booked, and
    `standing` the identities of rows that are there already, and that the file vouches for.
    """

    account: Account
    created: bool
    rows: list[Row] = field(default_factory=list)
    balances: list[Balance] = field(default_factory=list)
    book: list[Row] = field(default_factory=list)
    settle: list[tuple[PendingRow, Row]] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)
    repeated: int = 0

    @property
    def sum(self) -> Decimal:
        """The exact sum of the account's rows in the file."""
        return sum((row.entry.amount for row in self.rows), Decimal(0))

    def sort_out(self, standing: Mapping[str, bool], pending: Sequence[PendingRow]) -> None:
        """Decide for each row whether it is booked, replaces a pending row, or stands in the ledger already.

        `standing` are the identities of the file that the account's rows carry, tombstones included, and whether the
        row is pending.
        """
        announced = {row.identity: row for row in pending if row.account_id == self.account.id}
        chosen: dict[str, Row] = {}
        for row in self.rows:
            first = chosen.setdefault(row.identity, row)
            if first is not row:
                self.repeated += 1
                if first.entry.pending and not row.entry.pending:
                    chosen[row.identity] = row
        for identity, row in chosen.items():
            stands_pending = standing.get(identity)
            if stands_pending is None:
                self.book.append(row)
            elif identity in announced and not row.entry.pending:
                self.settle.append((announced[identity], row))
            else:
                self.repeated += 1
                if stands_pending or not row.entry.pending:
                    # A file that only announces what the ledger holds as booked does not vouch for the booking.
                    self.standing.append(identity)

    def settle_pending(self, pending: Sequence[PendingRow]) -> None:
        """Let rows that are about to be booked take the place of the pending rows that they book."""
        in_file = {row.identity for row in self.rows}
        waiting: dict[tuple[Decimal, str, str], list[PendingRow]] = defaultdict(list)
        for announced in pending:
            if announced.account_id == self.account.id and announced.identity not in in_file:
                waiting[announced.wording].append(announced)
        if not waiting:
            return
        new, self.book = self.book, []
        for row in new:
            entry = row.entry
            alike = waiting.get((entry.amount, folded(entry.text), folded(entry.counterparty or "")), [])
            found = next((p for p in alike if not entry.pending and p.may_be_booked_on(entry.booking_date)), None)
            if found is None:
                self.book.append(row)
            else:
                alike.remove(found)
                self.settle.append((found, row))


@dataclass(slots=True)
class ImportPlan:
    """The accounts that an import touches, the references it learns, and the rows that fit no account."""

    accounts: list[AccountPlan] = field(default_factory=list)
    references: list[AccountReference] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)

    @property
    def created(self) -> list[Account]:
        """The accounts that the import creates."""
        return [plan.account for plan in self.accounts if plan.created]

    def identities(self) -> dict[UUID, list[str]]:
        """The identities to look for in the ledger, by account; a new account has no rows yet."""
        return {plan.account.id: [row.identity for row in plan.rows] for plan in self.accounts if not plan.created}

    @uncollected()
    def sort_out(self, standing: Mapping[UUID, Mapping[str, bool]], pending: Sequence[PendingRow]) -> None:
        """Decide for each row what becomes of it. Slow for large files: runs in a thread."""
        for plan in self.accounts:
            plan.sort_out(standing.get(plan.account.id, {}), pending)
            plan.settle_pending(pending)


_REASONS = ("header", "dialects", "bank_code", "bank_message")


def statement_refused(error: StatementFileError) -> StatementRefused:
    """The problem that tells a client why its file cannot be read; `code` is the reader's own."""
    kind: type[StatementRefused] = type("StatementRefused", (StatementRefused,), {"code": error.code})
    extensions = {name: value for name in _REASONS if (value := getattr(error, name, None))}
    return kind(error.detail, **extensions)


def assign_accounts(
    prepared: PreparedFile, book: AccountBook, *, user_id: UUID, account_id: UUID | None, currency: str | None
) -> ImportPlan:
    """Find or create the account of each group of rows.

    Raises a problem, and nothing is decided, when the file and the request do not say clearly which account and
    currency the rows belong to: AccountNeeded, AccountNotFound, AccountAmbiguous, SeveralAccounts, ReferenceTaken,
    CurrencyNeeded, CurrencyDiffers.
    """
    _check_currency(prepared, currency)
    plan = ImportPlan()
    if account_id is not None:
        account = _given_account(book, account_id)
        _check_single_account(prepared.groups)
        _check_some_fit(prepared.groups, account, currency)
        for group in prepared.groups:
            _assign_given(plan, book, group, account, currency)
    else:
        for group in prepared.groups:
            _assign_named(plan, book, group, user_id, currency)
    return plan


def _check_currency(prepared: PreparedFile, currency: str | None) -> None:
    others = sorted(prepared.currencies - {currency})
    if currency is not None and others:
        raise CurrencyDiffers(
            f"The file is in {', '.join(others)}, the request says {currency}. Leave out the currency parameter."
        )


def _given_account(book: AccountBook, account_id: UUID) -> Account:
    account = book.get(account_id)
    if account is None:
        raise AccountNotFound(f"There is no account {account_id}.")
    return account


def _check_single_account(groups: Sequence[RowGroup]) -> None:
    keys = {group.key for group in groups if group.key is not None}
    if len(keys) > 1:
        names = ", ".join(sorted(_title(group) for group in groups if group.key is not None))
        raise SeveralAccounts(f"The file names several accounts ({names}). Upload it without account_id.")


def _check_some_fit(groups: Sequence[RowGroup], account: Account, currency: str | None) -> None:
    stated = {group.currency or currency or account.currency for group in groups}
    if stated and account.currency not in stated:
        raise CurrencyDiffers(
            f'The file is in {", ".join(sorted(stated))}; the account "{account.name}" is kept in {account.currency}. '
            "Choose or create an account in that currency."
        )


def _assign_given(plan: ImportPlan, book: AccountBook, group: RowGroup, account: Account, currency: str | None) -> None:
    stated = group.currency or currency
    if stated is not None and stated != account.currency:
        reason = f'is in {stated}, and the account "{account.name}" is kept in {account.currency}'
        plan.refused += [refused_row(row.entry, reason) for row in group.rows]
        return
    if group.key is not None:
        others = [a for a in book.matching(group.key, currency=account.currency) if a.id != account.id]
        if others and not book.knows(account, group.key):
            raise ReferenceTaken(
                f'The file is about {_title(group)}, which is the account "{others[0].name}", not "{account.name}". '
                "Upload it without account_id, or remove the reference from that account first.",
                account_id=str(others[0].id),
            )
        _learn(plan, book, group, account, group.key)
    _take(plan, group, account, created=False)


def _assign_named(plan: ImportPlan, book: AccountBook, group: RowGroup, user_id: UUID, currency: str | None) -> None:
    if group.key is None:
        raise AccountNeeded(
            "The file does not say which account it is about. Repeat the upload with account_id, one of the accounts "
            "listed here or one that you create first with POST /v1/accounts.",
            accounts=[{"id": str(a.id), "name": a.name, "currency": a.currency} for a in book if not a.archived],
        )
    stated = group.currency or currency
    found = book.matching(group.key, currency=stated)
    if len(found) > 1:
        _raise_ambiguous(group, found, stated)
    if found:
        _learn(plan, book, group, found[0], group.key)
        _take(plan, group, found[0], created=False)
        return
    if stated is None:
        raise CurrencyNeeded(
            f"The file does not say which currency {_title(group)} is kept in. Repeat the upload with currency, "
            "an ISO 4217 code such as EUR."
        )
    same_number = book.matching(group.key, currency=None)
    account = _new_account(group, user_id, stated, with_currency=bool(same_number))
    book.add(account)
    _learn(plan, book, group, account, group.key)
    _take(plan, group, account, created=True)


def _raise_ambiguous(group: RowGroup, found: Iterable[Account], stated: str | None) -> None:
    accounts = [{"id": str(a.id), "name": a.name, "currency": a.currency} for a in found]
    if stated is None and len({account["currency"] for account in accounts}) == len(accounts):
        raise CurrencyNeeded(
            f"{_title(group)} is kept in several currencies, and the file does not say which. "
            "Repeat the upload with currency.",
            accounts=accounts,
        )
    raise AccountAmbiguous(
        f"{_title(group)} may be several of your accounts. Repeat the upload with account_id.", accounts=accounts
    )


def _learn(plan: ImportPlan, book: AccountBook, group: RowGroup, account: Account, key: ReferenceKey) -> None:
    if not book.bind(account, key):
        return
    reference = group.reference
    plan.references.append(
        AccountReference(
            user_id=account.user_id,
            account_id=account.id,
            currency=account.currency,
            key=key.key,
            bank_key=key.bank,
            number=reference.number[:100] if reference.number else None,
            bank=reference.bank[:100] if reference.bank else None,
            name=reference.name[:200] if reference.name else None,
        )
    )


def _take(plan: ImportPlan, group: RowGroup, account: Account, *, created: bool) -> None:
    for known in plan.accounts:
        if known.account.id == account.id:
            known.rows.extend(group.rows)
            known.balances.extend(group.balances)
            return
    plan.accounts.append(AccountPlan(account, created, list(group.rows), list(group.balances)))


def _new_account(group: RowGroup, user_id: UUID, currency: str, *, with_currency: bool) -> Account:
    name = f"{_title(group)} {currency}" if with_currency else _title(group)
    known_types = set(AccountType)
    account_type = group.reference.type if group.reference.type in known_types else AccountType.OTHER
    return Account(user_id=user_id, name=name[:200], type=str(account_type), currency=currency)


def _title(group: RowGroup) -> str:
    reference = group.reference
    if reference.name:
        return reference.name.strip()
    return " ".join(part.strip() for part in (reference.bank, reference.number) if part) or "an unnamed account"
