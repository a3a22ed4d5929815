"""A ledger of any size with words, amounts and dates as in real ones: some everywhere, most of them rare."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from uuid import UUID

from api_common.bulk import bulk_insert
from api_common.columns import new_id
from api_common.database import Database
from transaction_service.categories.defaults import DEFAULT_CATEGORIES
from transaction_service.models import Account, Tag, Transaction
from transaction_service.repository.ledger import LedgerRepository
from transaction_service.search.text import searchable
from transaction_service.search.words import search_words

SHOPS = 4_000
DAYS = 7_300
BATCH = 50_000
COLUMNS = (
    "id",
    "user_id",
    "account_id",
    "identity",
    "booking_date",
    "value_date",
    "amount",
    "currency",
    "pending",
    "text",
    "counterparty",
    "reference",
    "merchant",
    "note",
    "search_text",
    "search_words",
    "category_id",
    "categorised_by",
    "marked_transfer",
    "version",
    "created_at",
    "content",
    "merchant_by",
    "note_by",
    "transfer_by",
)

_KINDS = ("KARTENZAHLUNG", "KARTENZAHLUNG", "KARTENZAHLUNG", "KARTENZAHLUNG", "LASTSCHRIFT", "LASTSCHRIFT")
_OTHER_KINDS = ("LASTSCHRIFT", "UEBERWEISUNG", "UEBERWEISUNG", "DAUERAUFTRAG")
_CITIES = ("BERLIN", "HAMBURG", "MÜNCHEN", "KÖLN", "FRANKFURT", "STUTTGART", "LEIPZIG", "DRESDEN", "BREMEN", "ESSEN")
_SYLLABLES = [consonant + vowel for consonant in "bklmnrstwz" for vowel in "aeio"]


def rows(count: int, user_id: UUID, accounts: list[Account], seed: int = 1) -> Iterator[tuple[object, ...]]:
    """So many rows, oldest first, as values of `COLUMNS`."""
    chance = random.Random(seed)
    shops = [
        "".join(chance.choices(_SYLLABLES, k=chance.randint(2, 4))) + chance.choice(["", "", " gmbh", " markt"])
        for _ in range(SHOPS)
    ]
    shops[17], shops[900] = "müller drogerie", "xylophon werkstatt"
    weights = [1 / (place + 5) for place in range(SHOPS)]
    categories = [category.id for category in DEFAULT_CATEGORIES]
    days = [date(2006, 1, 1) + timedelta(days=n) for n in range(DAYS)]
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    picked = chance.choices(shops, weights, k=count)
    for number, shop in enumerate(picked):
        account, day = accounts[chance.randrange(len(accounts))], days[number * DAYS // count]
        reference = f"{chance.randrange(10**9):09d}"
        words = [chance.choice(_KINDS + _OTHER_KINDS), shop.upper(), _CITIES[number * 7 % 10], str(number % 997)]
        text = " ".join([*words, "AMAZON MARKETPLACE"] if number % 50 == 0 else words)
        cents = chance.randrange(1, 200_000) if number % 10 else -chance.randrange(1, 1_000_000)
        merchant, note = shop.title(), f"holiday {number}" if number % 1_000 == 0 else None
        search_text = searchable(merchant, text, reference, merchant, note)
        yield (
            new_id(),
            user_id,
            account.id,
            f"row:{number}",
            day,
            day,
            Decimal(-cents).scaleb(-2),
            account.currency,
            number > count - 20,
            text,
            merchant,
            reference,
            merchant,
            note,
            search_text,
            search_words(search_text),
            None if number % 6 == 0 else categories[int(len(categories) * chance.random() ** 3)],
            "none" if number % 6 == 0 else "user" if number % 500 == 0 else "rule",
            number % 2_000 == 0,
            1,
            moment + timedelta(seconds=number),
            "",
            "none",
            "none",
            "none",
        )


async def fill(database: Database, user_id: UUID, count: int) -> None:
    """Give a user six accounts in two currencies, and so many rows on them."""
    accounts = [
        Account(user_id=user_id, name=f"Account {n}", type="checking", currency="USD" if n == 5 else "EUR")
        for n in range(6)
    ]
    async with database.write() as session:
        await LedgerRepository(session, user_id).begin_change()
        session.add_all(accounts)
    source = rows(count, user_id, accounts)
    while batch := list(islice(source, BATCH)):
        async with database.write() as session:
            await LedgerRepository(session, user_id).begin_change()
            await bulk_insert(session, Transaction, COLUMNS, batch)
            tags = [(row[0], "holiday", user_id, "user") for row in batch[::1_000]]
            await bulk_insert(session, Tag, ("transaction_id", "tag", "user_id", "tagged_by"), tags)
