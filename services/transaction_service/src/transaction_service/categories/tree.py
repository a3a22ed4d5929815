"""The categories of one user as a tree: the built-in ones and the user's own on top."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from transaction_service.categories.defaults import DEFAULT_CATEGORIES, CategoryKind

PATH_SEPARATOR = " > "
"""What stands between the names of a path; no name holds it."""


@dataclass(frozen=True)
class CategoryNode:
    """One category; `version` is None for a built-in one, which nobody can change."""

    id: UUID
    parent_id: UUID | None
    name: str
    kind: CategoryKind
    version: int | None

    @property
    def built_in(self) -> bool:
        """Whether the category comes with Purser."""
        return self.version is None


_BUILT_IN = tuple(CategoryNode(c.id, c.parent_id, c.name, c.kind, None) for c in DEFAULT_CATEGORIES)


class CategoryTree:
    """Look-ups in a user's categories. Built from the user's own; the built-in ones are always part of it."""

    def __init__(self, own: Iterable[CategoryNode] = ()) -> None:
        self._nodes = {node.id: node for node in (*_BUILT_IN, *own)}
        self._children: dict[UUID | None, list[CategoryNode]] = {}
        for node in self._nodes.values():
            self._children.setdefault(node.parent_id, []).append(node)

    def __contains__(self, category_id: UUID) -> bool:
        return category_id in self._nodes

    def __iter__(self) -> Iterator[CategoryNode]:
        """All categories, parents before their children, siblings as declared (built-in ones first)."""
        stack = list(reversed(self._children.get(None, [])))
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(self._children.get(node.id, [])))

    def get(self, category_id: UUID) -> CategoryNode | None:
        """The category with this id, or None when the user has none such."""
        return self._nodes.get(category_id)

    def children(self, category_id: UUID) -> list[CategoryNode]:
        """The direct children of a category."""
        return list(self._children.get(category_id, []))

    def with_descendants(self, category_id: UUID) -> set[UUID]:
        """The category's id and those of everything below it."""
        found: set[UUID] = set()
        stack = [category_id]
        while stack:
            current = stack.pop()
            found.add(current)
            stack.extend(child.id for child in self._children.get(current, []))
        return found

    def path(self, category_id: UUID) -> str:
        """The names from the root down, e.g. `Food > Groceries`."""
        names: list[str] = []
        node = self._nodes.get(category_id)
        while node is not None:
            names.append(node.name)
            node = self._nodes.get(node.parent_id) if node.parent_id is not None else None
        return PATH_SEPARATOR.join(reversed(names))
