"""The tables of the ledger. They are never answers of the API: those are in `schemas`."""

from transaction_service.models.accounts import Account, AccountReference, AccountType, BalanceAssertion
from transaction_service.models.base import Ledger, Table
from transaction_service.models.categories import Category, Rule
from transaction_service.models.corrections import Correction
from transaction_service.models.imports import (
    CsvProfile,
    ImportStatus,
    Proposal,
    ProposalStatus,
    RepeatedRow,
    RowIdentity,
    Statement,
    StatementBalance,
    StatementImport,
)
from transaction_service.models.investments import InvestmentEntry, Position, PositionStatement, Security
from transaction_service.models.journal import JournalAction, JournalChange, JournalEntry
from transaction_service.models.transactions import ChosenBy, Split, Tag, Transaction, Transfer, TransferStatus

__all__ = [
    "Account",
    "AccountReference",
    "AccountType",
    "BalanceAssertion",
    "Category",
    "ChosenBy",
    "Correction",
    "CsvProfile",
    "ImportStatus",
    "InvestmentEntry",
    "JournalAction",
    "JournalChange",
    "JournalEntry",
    "Ledger",
    "Position",
    "PositionStatement",
    "Proposal",
    "ProposalStatus",
    "RepeatedRow",
    "RowIdentity",
    "Rule",
    "Security",
    "Split",
    "Statement",
    "StatementBalance",
    "StatementImport",
    "Table",
    "Tag",
    "Transaction",
    "Transfer",
    "TransferStatus",
]
