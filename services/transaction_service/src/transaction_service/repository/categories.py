"""The user's own categories and rules."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from api_common.repository import Repository
from sqlalchemy import func, select, update
from sqlmodel import col

from transaction_service.category_tree import CategoryNode, CategoryTree
from transaction_service.default_categories import CategoryKind
from transaction_service.errors import CategoryNotFound, RuleNotFound
from transaction_service.models import Category, Rule


class CategoryRepository(Repository[Category]):
    """The categories that the user has added to the built-in ones."""

    model = Category
    not_found = CategoryNotFound

    async def tree(self) -> CategoryTree:
        """All categories of the user, the built-in ones included."""
        rows = (await self.session.scalars(self.mine().order_by(col(Category.id)))).all()
        return CategoryTree(CategoryNode(r.id, r.parent_id, r.name, CategoryKind(r.kind), r.version) for r in rows)

    async def move_children(self, category_id: UUID, to: UUID | None) -> int:
        """Hang all direct children of a category below another parent; gives their number."""
        children = (await self.session.scalars(self.mine().where(col(Category.parent_id) == category_id))).all()
        for child in children:
            child.parent_id = to
        await self.session.flush()
        return len(children)


class RuleRepository(Repository[Rule]):
    """The user's rules."""

    model = Rule
    not_found = RuleNotFound

    async def ordered(self) -> Sequence[Rule]:
        """All rules in the order in which they are tried."""
        return (await self.session.scalars(self.mine().order_by(col(Rule.position), col(Rule.id)))).all()

    async def count(self, *, category_id: UUID | None = None) -> int:
        """How many rules there are, or how many give this category."""
        statement = select(func.count()).select_from(Rule).where(col(Rule.user_id) == self.user_id)
        if category_id is not None:
            statement = statement.where(col(Rule.category_id) == category_id)
        return int(await self.session.scalar(statement) or 0)

    async def last_position(self) -> int:
        """The highest position in use, -1 when there is no rule."""
        highest = await self.session.scalar(select(func.max(Rule.position)).where(col(Rule.user_id) == self.user_id))
        return -1 if highest is None else int(highest)

    async def reassign_category(self, category_id: UUID, to: UUID) -> None:
        """Let all rules of a category give another one."""
        await self.session.execute(
            update(Rule)
            .where(col(Rule.user_id) == self.user_id, col(Rule.category_id) == category_id)
            .values(category_id=to, version=col(Rule.version) + 1)
            .execution_options(synchronize_session=False)
        )
