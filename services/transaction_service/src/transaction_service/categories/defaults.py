"""The category tree that every user starts with.

The tree is part of the code, not of the database: a category's id follows from its key, so it is the same on every
installation, and an exported ledger can be read anywhere. A key must never change; a name may.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID, uuid5

_NAMESPACE = UUID("5b0c7c3e-2f0e-5d57-9a53-6f6d1c0f8a11")


class CategoryKind(StrEnum):
    """What money in a category is: earned, spent, or moved between the user's own accounts."""

    INCOME = "income"
    EXPENSE = "expense"
    TRANSFER = "transfer"


@dataclass(frozen=True)
class DefaultCategory:
    """One category of the built-in tree; `parent_id` is None for a root."""

    id: UUID
    parent_id: UUID | None
    name: str
    kind: CategoryKind


def default_category_id(key: str) -> UUID:
    """The stable id of the built-in category with this key, e.g. `default_category_id("food/groceries")`."""
    return uuid5(_NAMESPACE, key)


_TREE: tuple[tuple[CategoryKind, str, str, tuple[tuple[str, str], ...]], ...] = (
    (
        CategoryKind.INCOME,
        "income",
        "Income",
        (
            ("salary", "Salary"),
            ("self_employment", "Self-employment"),
            ("interest", "Interest and dividends"),
            ("benefits", "Benefits and pensions"),
            ("refunds", "Refunds and reimbursements"),
            ("gifts", "Gifts received"),
        ),
    ),
    (
        CategoryKind.EXPENSE,
        "home",
        "Home",
        (
            ("rent", "Rent and mortgage"),
            ("utilities", "Energy and water"),
            ("internet", "Internet and telephone"),
            ("repairs", "Furniture and repairs"),
        ),
    ),
    (
        CategoryKind.EXPENSE,
        "food",
        "Food",
        (("groceries", "Groceries"), ("restaurants", "Restaurants and cafés")),
    ),
    (
        CategoryKind.EXPENSE,
        "transport",
        "Transport",
        (
            ("public", "Public transport"),
            ("fuel", "Fuel and charging"),
            ("car", "Car costs"),
            ("taxi", "Taxi and sharing"),
        ),
    ),
    (
        CategoryKind.EXPENSE,
        "living",
        "Living",
        (
            ("clothing", "Clothing"),
            ("personal_care", "Personal care"),
            ("electronics", "Electronics"),
            ("subscriptions", "Subscriptions"),
            ("pets", "Pets"),
        ),
    ),
    (
        CategoryKind.EXPENSE,
        "leisure",
        "Leisure",
        (("entertainment", "Entertainment"), ("sports", "Sports and hobbies"), ("travel", "Travel")),
    ),
    (
        CategoryKind.EXPENSE,
        "health",
        "Health",
        (("medical", "Doctor and pharmacy"), ("insurance", "Health insurance")),
    ),
    (
        CategoryKind.EXPENSE,
        "family",
        "Family",
        (("children", "Children"), ("education", "Education"), ("gifts", "Gifts and donations")),
    ),
    (
        CategoryKind.EXPENSE,
        "finance",
        "Finance",
        (
            ("fees", "Bank fees"),
            ("interest", "Loan interest"),
            ("insurance", "Insurance"),
            ("taxes", "Taxes"),
            ("cash", "Cash withdrawals"),
        ),
    ),
    (
        CategoryKind.TRANSFER,
        "transfers",
        "Transfers",
        (
            ("own_accounts", "Between own accounts"),
            ("card_payment", "Credit card payment"),
            ("savings", "Savings and investments"),
        ),
    ),
)


def _default_categories() -> tuple[DefaultCategory, ...]:
    categories: list[DefaultCategory] = []
    for kind, root_key, root_name, children in _TREE:
        root_id = default_category_id(root_key)
        categories.append(DefaultCategory(root_id, None, root_name, kind))
        categories.extend(
            DefaultCategory(default_category_id(f"{root_key}/{key}"), root_id, name, kind) for key, name in children
        )
    return tuple(categories)


DEFAULT_CATEGORIES: tuple[DefaultCategory, ...] = _default_categories()
