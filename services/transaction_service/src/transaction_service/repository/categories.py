"""The user's own categories."""

from __future__ import annotations

from uuid import UUID

from api_common.repository import Repository
from sqlmodel import col

from transaction_service.categories.defaults import CategoryKind
from transaction_service.categories.tree import CategoryNode, CategoryTree
from transaction_service.errors import CategoryNotFound
from transaction_service.models import Category


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
