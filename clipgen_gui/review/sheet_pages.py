"""Pagination of the contact sheet. No Qt here."""

from __future__ import annotations

from collections.abc import Sequence

from clipgen_gui.document.windows import WindowId


class SheetPages:
    """Windows keep their position whatever is decided; new windows are appended."""

    def __init__(self, per_page: int) -> None:
        self.per_page = per_page
        self.page = 0  # from 0
        self._order: list[WindowId] = []

    @property
    def total(self) -> int:
        """Number of windows."""
        return len(self._order)

    @property
    def count(self) -> int:
        """Number of pages, at least 1."""
        return max(1, -(-len(self._order) // self.per_page))

    @property
    def first(self) -> int:
        """Index of the first window on this page."""
        return self.page * self.per_page

    @property
    def shown(self) -> tuple[WindowId, ...]:
        """Windows on this page."""
        return tuple(self._order[self.first : self.first + self.per_page])

    @property
    def following(self) -> tuple[WindowId, ...]:
        """Windows on the next page."""
        start = self.first + self.per_page
        return tuple(self._order[start : start + self.per_page])

    def restart(self, keys: Sequence[WindowId]) -> None:
        """Replace the windows and go to the first page."""
        self._order = list(keys)
        self.page = 0

    def follow(self, keys: Sequence[WindowId]) -> None:
        """Append new windows and remove missing ones from later pages; pages up to this one do not change."""
        listed, known = set(keys), set(self._order)
        end = self.first + self.per_page
        self._order = self._order[:end] + [key for key in self._order[end:] if key in listed]
        self._order += [key for key in keys if key not in known]

    def resize(self, per_page: int, keep: WindowId | None) -> None:
        """Set the windows per page, staying at `keep` or the first window shown."""
        stay = keep if keep in self._order else next(iter(self.shown), None)
        self.per_page = per_page
        self.page = min(self.page, self.count - 1)
        if stay is not None:
            self.go_to(stay)

    def go_to(self, key: WindowId) -> bool:
        """Go to the page of this window; return False if it has none."""
        if key not in self._order:
            return False
        self.page = self._order.index(key) // self.per_page
        return True

    def turn(self, step: int) -> bool:
        """Turn pages by `step`; return whether the page changed."""
        page = min(max(self.page + step, 0), self.count - 1)
        turned, self.page = page != self.page, page
        return turned

    def neighbour(self, key: WindowId | None, step: int) -> WindowId | None:
        """Return the window `step` positions away, clamped; the first on the page if `key` is not on the sheet."""
        if not self._order:
            return None
        if key not in self._order:
            return next(iter(self.shown), None)
        return self._order[min(max(self._order.index(key) + step, 0), len(self._order) - 1)]
