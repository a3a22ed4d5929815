"""Which accounts the rows of a file go to, and which references the accounts learn. No database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from data_processing import StatementFileError, UnknownCsvShape

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
from transaction_service.identity.identities import Identities
from transaction_service.identity.plan import AccountPlan, ImportPlan
from transaction_service.models import Account, AccountReference, AccountType
from transaction_service.schemas.csv_profiles import proposal_schema
from transaction_service.statements.account_matching import AccountBook, ReferenceKey
from transaction_service.statements.rows import PreparedFile, RowGroup, refused_row

_REASONS = ("header", "dialects", "bank_code", "bank_message")


def statement_refused(error: StatementFileError) -> StatementRefused:
    """The problem that tells a client why its file cannot be read; `code` is the reader's own."""
    kind: type[StatementRefused] = type("StatementRefused", (StatementRefused,), {"code": error.code})
    extensions = {name: value for name in _REASONS if (value := getattr(error, name, None))}
    if isinstance(error, UnknownCsvShape) and error.proposal is not None:
        extensions["proposal"] = proposal_schema(error.proposal).model_dump(mode="json")
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
    plan = ImportPlan(prepared.rows, Identities(prepared.rows))
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
        for section in group.sections.values():
            plan.refused.add_rows(refused_row(entry, reason) for entry in plan.rows.entries(section.rows))
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
    found = next((known for known in plan.accounts if known.account.id == account.id), None)
    if found is None:
        found = AccountPlan(account, created, plan.rows, plan.identities)
        plan.accounts.append(found)
    found.take(group)


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
