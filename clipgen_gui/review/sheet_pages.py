"""The order in which the contact sheet shows windows, page by page. No Qt here."""

from __future__ import annotations

from collections.abc import Sequence

from clipgen_gui.document.entry import Key


class SheetPages:
    """Windows keep their place on the sheet whatever is decided; windows that come later stand at the end."""

    def __init__(self, per_page: int) -> None:
        self.per_page = per_page
        self.page = 0  # from 0
        self._order: list[Key] = []

    @property
    def total(self) -> int:
        """Number of windows."""
        return len(self._order)

    @property
    def count(self) -> int:
        """Number of pages, 1 at least."""
        return max(1, -(-len(self._order) // self.per_page))

    @property
    def first(self) -> int:
        """Place of the first window of this page, from 0."""
        return self.page * self.per_page

    @property
    def shown(self) -> tuple[Key, ...]:
        """Windows of this page."""
        return tuple(self._order[self.first : self.first + self.per_page])

    @property
    def following(self) -> tuple[Key, ...]:
        """Windows of the next page."""
        start = self.first + self.per_page
        return tuple(self._order[start : start + self.per_page])

    def restart(self, keys: Sequence[Key]) -> None:
        """Take these windows in this order, and go to the first page."""
        self._order = list(keys)
        self.page = 0

    def follow(self, keys: Sequence[Key]) -> None:
        """Add windows that are new. Those that are gone leave the pages that come; until here nothing moves."""
        listed, placed = set(keys), set(self._order)
        end = self.first + self.per_page
        self._order = self._order[:end] + [key for key in self._order[end:] if key in listed]
        self._order += [key for key in keys if key not in placed]

    def resize(self, per_page: int, keep: Key | None) -> None:
        """Show so many windows on a page, and stay where the curator is."""
        stay = keep if keep in self._order else next(iter(self.shown), None)
        self.per_page = per_page
        self.page = min(self.page, self.count - 1)
        if stay is not None:
            self.go_to(stay)

    def go_to(self, key: Key) -> bool:
        """Turn to the page of this window; whether there is one."""
        if key not in self._order:
            return False
        self.page = self._order.index(key) // self.per_page
        return True

    def turn(self, step: int) -> bool:
        """Turn the page; whether there was another."""
        page = min(max(self.page + step, 0), self.count - 1)
        turned, self.page = page != self.page, page
        return turned

    def neighbour(self, key: Key | None, step: int) -> Key | None:
        """The window so many places on, or the nearest to that; from none the first of the page."""
        if not self._order:
            return None
        if key not in self._order:
            return next(iter(self.shown), None)
        return self._order[min(max(self._order.index(key) + step, 0), len(self._order) - 1)]
