"""Keeping categories."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from api_common.columns import new_id
from api_common.preconditions import Precondition
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.categories.tree import CategoryNode, CategoryTree
from transaction_service.errors import (
    BuiltInCategory,
    CategoryInUse,
    CategoryMisplaced,
    CategoryNotFound,
    IdTaken,
)
from transaction_service.models import Category, JournalAction
from transaction_service.repository.categories import CategoryRepository
from transaction_service.repository.ledger import LedgerRepository
from transaction_service.repository.rules import RuleRepository
from transaction_service.repository.transactions import TransactionRepository
from transaction_service.rows.edits import with_category_replaced
from transaction_service.schemas.categories import (
    CategoryChange,
    CategoryCreate,
    CategoryDeleted,
    CategoryList,
    CategorySchema,
)
from transaction_service.service.many_rows import ManyRows


class Categories:
    """The categories of one user: the built-in tree and the user's own on top."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._user_id = user_id
        self._categories = CategoryRepository(session, user_id)
        self._rules = RuleRepository(session, user_id)
        self._transactions = TransactionRepository(session, user_id)
        self._rows = ManyRows(session, user_id)
        self._ledger = LedgerRepository(session, user_id)

    async def list(self) -> CategoryList:
        """All categories, parents before their children."""
        tree = await self._categories.tree()
        return CategoryList(items=[_schema(node, tree) for node in tree])

    async def get(self, category_id: UUID) -> CategorySchema:
        """One category. Raises CategoryNotFound."""
        tree = await self._categories.tree()
        return _schema(_known(tree, category_id), tree)

    async def create(self, wanted: CategoryCreate) -> CategorySchema:
        """Create a category of the user's own. Raises CategoryNotFound (the parent), CategoryMisplaced, IdTaken."""
        await self._ledger.begin_change()
        tree = await self._categories.tree()
        if wanted.id is not None and (existing := tree.get(wanted.id)) is not None:
            if (existing.name, existing.parent_id) != (wanted.name, wanted.parent_id):
                raise IdTaken
            return _schema(existing, tree)
        kind = wanted.kind
        if wanted.parent_id is not None:
            parent = _known(tree, wanted.parent_id)
            if kind is not None and kind != parent.kind:
                raise CategoryMisplaced(f'Below "{parent.name}" every category is of kind {parent.kind}, not {kind}.')
            kind = parent.kind
        if kind is None:
            raise CategoryMisplaced("A category without a parent must say its kind: income, expense or transfer.")
        row = Category(
            id=wanted.id or new_id(),
            user_id=self._user_id,
            parent_id=wanted.parent_id,
            name=wanted.name,
            kind=str(kind),
        )
        await self._categories.add(row)
        return await self.get(row.id)

    async def change(self, category_id: UUID, changes: CategoryChange, expected: Precondition) -> CategorySchema:
        """Rename or move a category of the user's own.

        Raises CategoryNotFound, BuiltInCategory, Stale, CategoryMisplaced.
        """
        await self._ledger.begin_change()
        tree = await self._categories.tree()
        row = await self._own(tree, category_id)
        expected.check(row.version)
        if "parent_id" in changes.model_fields_set:
            _check_place(tree, category_id, changes.parent_id)
            row.parent_id = changes.parent_id
        if changes.name is not None:
            row.name = changes.name
        await self._categories.session.flush()
        return await self.get(category_id)

    async def delete(
        self, category_id: UUID, expected: Precondition, *, reassign_to: UUID | None, uncategorise: bool
    ) -> CategoryDeleted:
        """Delete a category of the user's own. What hangs on it goes to `reassign_to`, or loses its category.

        Its children move up to its parent. Rules can only move to another category.

        Raises CategoryNotFound, BuiltInCategory, Stale, CategoryInUse, CategoryMisplaced.
        """
        await self._ledger.begin_change()
        tree = await self._categories.tree()
        row = await self._own(tree, category_id)
        expected.check(row.version)
        if reassign_to is not None and _known(tree, reassign_to).id == category_id:
            raise CategoryMisplaced("A category cannot hand its rows to itself.")
        rows = await self._transactions.in_category(category_id)
        rules = await self._rules.count(category_id=category_id)
        if (rules and reassign_to is None) or (rows and reassign_to is None and not uncategorise):
            raise CategoryInUse(
                f'"{row.name}" is the category of {rows} transactions and {rules} rules. Repeat with ?reassign_to= and '
                "the id of another category (or, when no rule needs it, the word uncategorised).",
                transactions=rows,
                rules=rules,
            )
        moved = await self._rows.change(
            self._transactions.of_category(category_id),
            partial(with_category_replaced, category_id=category_id, to=reassign_to),
            JournalAction.CATEGORY_DELETED,
            {"category_id": category_id, "name": row.name, "reassigned_to": reassign_to},
            edited=False,
        )
        if reassign_to is not None:
            await self._rules.reassign_category(category_id, reassign_to)
        children = await self._categories.move_children(category_id, row.parent_id)
        await self._categories.delete(row)
        return CategoryDeleted(reassigned={"transactions": moved, "rules": rules, "categories": children})

    async def _own(self, tree: CategoryTree, category_id: UUID) -> Category:
        node = _known(tree, category_id)
        if node.built_in:
            raise BuiltInCategory(
                f'"{node.name}" comes with Purser and cannot be changed. Create one of your own instead.'
            )
        return await self._categories.get(category_id)


def _known(tree: CategoryTree, category_id: UUID) -> CategoryNode:
    node = tree.get(category_id)
    if node is None:
        raise CategoryNotFound(f"There is no category {category_id}.")
    return node


def _check_place(tree: CategoryTree, category_id: UUID, parent_id: UUID | None) -> None:
    if parent_id is None:
        return
    node, parent = _known(tree, category_id), _known(tree, parent_id)
    if parent_id in tree.with_descendants(category_id):
        raise CategoryMisplaced(f'"{node.name}" cannot be moved below itself.')
    if parent.kind != node.kind:
        raise CategoryMisplaced(
            f'"{node.name}" is of kind {node.kind} and cannot be moved below "{parent.name}", {parent.kind}.'
        )


def _schema(node: CategoryNode, tree: CategoryTree) -> CategorySchema:
    return CategorySchema(
        id=node.id,
        parent_id=node.parent_id,
        name=node.name,
        path=tree.path(node.id),
        kind=node.kind,
        built_in=node.built_in,
        version=node.version,
    )
