"""Which account a statement of a file went to, once the import is planned."""

from __future__ import annotations

from uuid import UUID

from data_processing import Statement

from transaction_service.identity.plan import ImportPlan
from transaction_service.models import Account
from transaction_service.statements.account_matching import AccountBook, ReferenceKey, reference_key


class StatementAccounts:
    """The accounts of a planned import, found again for what stands beside its rows.

    account_id: the account that the user has named for the whole file
    currency:   what the user says where the file does not
    """

    def __init__(self, book: AccountBook, plan: ImportPlan, *, account_id: UUID | None, currency: str | None) -> None:
        self._book = book
        self._account_id = account_id
        self._currency = currency
        created = {account.id: account for account in plan.created}
        for account in created.values():
            book.add(account)
        for reference in plan.references:
            if reference.account_id in created:
                book.bind(created[reference.account_id], ReferenceKey(reference.key, reference.bank_key))

    def of(self, statement: Statement, currency: str | None = None) -> Account | None:
        """The account of the statement's rows in a currency, by default its own.

        None where there is none: its rows were refused, and say why.
        """
        stated = currency or statement.currency or self._currency
        if self._account_id is not None:
            account = self._book.get(self._account_id)
            return account if account is not None and stated in {None, account.currency} else None
        named = statement.account
        key = reference_key(number=named.number, bank=named.bank, name=named.name)
        matching = self._book.matching(key, currency=stated) if key is not None else ()
        return matching[0] if len(matching) == 1 else None
