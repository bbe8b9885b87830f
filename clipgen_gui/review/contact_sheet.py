"""The contact sheet: pages of windows that play side by side, decided by digit key or click."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtGui import QAction, QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QSizePolicy, QToolButton, QWidget

from clipgen_engine.types import Decision
from clipgen_gui.document.selection import Scope
from clipgen_gui.document.session import Session
from clipgen_gui.document.windows import WindowId, WindowRow
from clipgen_gui.look.theme import icon
from clipgen_gui.review.sheet_cell import SheetCell
from clipgen_gui.review.sheet_grid import SheetGrid
from clipgen_gui.review.sheet_pages import SheetPages
from clipgen_gui.review.thumbnails import ClipServer
from clipgen_gui.widgets.cards import Card, chip, muted_label, named, named_with_key

_COLUMNS = (2, 3, 4, 5, 6)
_DIGITS = "1234567890"
_BUDGET_BYTES = 256 * 1024 * 1024
_COLUMNS_KEY, _WHOLE_KEY = "sheet/columns", "sheet/whole"


class ContactSheet(Card):
    """Follows the session. Decisions go through the session, so they are saved and can be undone."""

    closed = Signal()

    def __init__(self, session: Session, settings: QSettings, parent: QWidget | None = None) -> None:
        super().__init__("Contact sheet", parent)
        self._session, self._settings = session, settings
        self.seeks = False  # whether the player follows, which it can where it is visible beside the sheet
        self._made_from: tuple[object, ...] = ()  # what the pages were built from
        self._followed: object = None  # the list that the pages hold
        self._listed: object = None  # its ids
        self._rows: dict[WindowId, WindowRow] = {}  # of the pages shown, as last listed
        self.server = ClipServer(_BUDGET_BYTES, self)
        columns = int(str(settings.value(_COLUMNS_KEY, 3)))
        self._columns = columns if columns in _COLUMNS else 3
        self.pages = SheetPages(self._columns**2)
        self.grid = SheetGrid(self.server, _BUDGET_BYTES)
        self.grid.clicked.connect(self._toggle)
        self.grid.swept.connect(self._decide_swept)
        self.page_label = chip()
        self.body.addWidget(self.grid, 1)
        self._fill_header()
        self._fill_footer()
        for index, digit in enumerate(_DIGITS):
            for sequence, decision in ((digit, Decision.ACCEPTED), (f"Shift+{digit}", Decision.REJECTED)):
                shortcut = QShortcut(QKeySequence(sequence), self)
                shortcut.setAutoRepeat(False)
                shortcut.activated.connect(partial(self._toggle, index, decision))
        for changed in (session.ranking_changed, session.current_changed, session.project_windows.changed):
            changed.connect(self._sync)
        session.controls.changed.connect(self._invalidate)
        session.selection.filter_changed.connect(self._on_filter_changed)
        session.selection.changed.connect(self._show_selection)

    def _fill_header(self) -> None:
        self.header.insertWidget(1, self.page_label)
        group = QButtonGroup(self)
        for columns in _COLUMNS:
            button = _tab_button(f"{columns} × {columns}", f"Show {columns**2} windows at once")
            button.setChecked(columns == self._columns)
            button.clicked.connect(partial(self._set_columns, columns))
            group.addButton(button)
            self.header.addWidget(button)
        self.whole = _tab_button("Whole frame", "Show the whole frame instead of the face")
        self.whole.setChecked(str(self._settings.value(_WHOLE_KEY, "false")) == "true")
        self.grid.set_whole(self.whole.isChecked())
        self.whole.toggled.connect(self._set_whole)
        self.close_button = QToolButton()
        self.close_button.setIcon(icon("close"))
        named_with_key(self.close_button, "Close the contact sheet", "Back to the player", "dismiss")
        self.close_button.clicked.connect(self.closed)
        self.header.addSpacing(12)
        self.header.addWidget(self.whole)
        self.header.addWidget(self.close_button)

    def _fill_footer(self) -> None:
        footer = QHBoxLayout()
        footer.setSpacing(8)
        hint = muted_label("Digit, click or drag accepts · with Shift or the right button rejects")
        hint.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        footer.addWidget(hint, 1)
        self.accept_button = _slim_button(
            "Accept the rest", "Accept the undecided windows on this page, then go to the next", "accept_rest"
        )
        self.accept_button.setText("Accept the rest")
        self.accept_button.clicked.connect(lambda _=False: self.accept_rest())
        self.rest_button = _slim_button(
            "Reject the rest", "Reject the undecided windows on this page, then go to the next", "reject_rest"
        )
        self.rest_button.setText("Reject the rest")
        self.rest_button.clicked.connect(lambda _=False: self.reject_rest())
        self.previous_button = _slim_button("Previous page", "Previous page", "previous_page")
        self.previous_button.setIcon(icon("chevron-left"))
        self.previous_button.clicked.connect(lambda _=False: self.turn(-1))
        self.next_button = _slim_button("Next page", "Next page", "next_page")
        self.next_button.setIcon(icon("chevron-right"))
        self.next_button.clicked.connect(lambda _=False: self.turn(1))
        for button in (self.accept_button, self.rest_button, self.previous_button, self.next_button):
            footer.addWidget(button)
        self.body.addLayout(footer)

    def add_button(self, action: QAction) -> None:
        """Add a button for a command beside the one that closes the sheet."""
        button = QToolButton()
        button.setDefaultAction(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAccessibleName(action.text())
        self.header.insertWidget(self.header.indexOf(self.close_button), button)

    # Commands

    @property
    def commands(self) -> Mapping[str, Callable[[], object]]:
        """Handlers that replace the app's commands while the sheet is open, by command name."""
        decide = self._decide_selected
        return {
            "play": lambda: self.grid.set_paused(not self.grid.paused),
            "back": partial(self._move, -1),
            "forward": partial(self._move, 1),
            "previous_window": lambda: self._move(-self._columns),
            "next_window": lambda: self._move(self._columns),
            "first": lambda: self._go_to_page(0),
            "last": lambda: self._go_to_page(self.pages.count - 1),
            "accept": partial(decide, Decision.ACCEPTED),
            "reject": partial(decide, Decision.REJECTED),
            "undecide": partial(decide, Decision.UNDECIDED),
            "dismiss": self.closed.emit,
        }

    def turn(self, step: int) -> None:
        """Go to the next or previous page."""
        self._go_to_page(self.pages.page + step)

    def reject_rest(self) -> None:
        """Reject the undecided windows on the page as one undo step and go to the next page."""
        self._decide_rest(Decision.REJECTED)

    def accept_rest(self) -> None:
        """Accept the undecided windows on the page as one undo step and go to the next page."""
        self._decide_rest(Decision.ACCEPTED)

    def _decide_rest(self, decision: Decision) -> None:
        undecided = [cell.id for cell in self.grid.cells if cell.listed and cell.decision is Decision.UNDECIDED]
        if undecided:
            self._session.decisions.decide_all(undecided, decision)
        if not self._go_to_page(self.pages.page + 1):
            self._session.all_decided.emit()

    def _go_to_page(self, page: int) -> bool:
        """Go to this page; return whether the page changed."""
        turned = self.pages.turn(page - self.pages.page)
        if turned:
            shown = self.pages.shown
            if shown:
                self._session.selection.go_to(shown[0], seek=self.seeks)
            self._show()
        return turned

    def _move(self, step: int) -> None:
        """Select the window this many cells further; past the end of the page, turn it."""
        window = self.pages.neighbour(self._session.selection.selected, step)
        if window is not None:
            self._session.selection.go_to(window, seek=self.seeks)

    def _decide_selected(self, decision: Decision) -> None:
        """Decide on the selected window and select the next undecided one."""
        selected, shown = self._session.selection.selected, self.pages.shown
        if selected is None or selected not in shown:
            return
        self._session.decisions.decide(decision, advance=False)
        if decision is Decision.UNDECIDED:
            return
        for window in (*shown[shown.index(selected) + 1 :], *self.pages.following):
            if window.entry.decision_of(window.key) is Decision.UNDECIDED:
                self._session.selection.go_to(window, seek=self.seeks)
                return
        if not self.pages.following:
            self._session.all_decided.emit()

    def _toggle(self, index: int, decision: Decision) -> None:
        """Decide on a cell; repeating the same decision reverts it."""
        if index >= len(self.grid.cells):
            return
        cell = self.grid.cells[index]
        if cell.listed:
            self._session.selection.go_to(cell.id, seek=self.seeks)
            again = cell.decision is decision
            self._session.decisions.decide(Decision.UNDECIDED if again else decision, advance=False)

    def _decide_swept(self, indices: tuple[int, ...], decision: Decision) -> None:
        """Decide on all cells that the pointer went over, in one undo step."""
        cells = [self.grid.cells[index] for index in indices if index < len(self.grid.cells)]
        self._session.decisions.decide_all([cell.id for cell in cells if cell.listed], decision)

    def _set_columns(self, columns: int) -> None:
        self._columns = columns
        self._settings.setValue(_COLUMNS_KEY, columns)
        self.pages.resize(columns**2, self._session.selection.selected)
        self._show()

    def _set_whole(self, on: bool) -> None:
        self._settings.setValue(_WHOLE_KEY, "true" if on else "false")
        self.grid.set_whole(on)

    # Following the session

    def _invalidate(self) -> None:
        """Rebuild the pages with the next ranking."""
        self._made_from = ()

    def _on_filter_changed(self) -> None:
        """Rebuild the pages."""
        self._invalidate()
        self._sync()

    def _sync(self) -> None:
        if not self.isVisible():
            return
        selection, entry = self._session.selection, self._session.current
        rows = selection.shown_rows
        if rows is self._followed and self._made_from:
            self._show_selection()
            return
        self._followed, windows = rows, rows.ids
        # the best windows of a video change as its analysis progresses
        whole = selection.scope is Scope.PROJECT
        made_from = (selection.scope,) if whole else (selection.scope, entry, entry and entry.analysis)
        if made_from == self._made_from:
            if windows is not self._listed:
                self.pages.follow(windows)
        else:
            page = self.pages.page if made_from[:2] == self._made_from[:2] else 0
            self._made_from = made_from
            self.pages.restart(windows)
            self.pages.turn(page)
            if selection.selected is not None:
                self.pages.go_to(selection.selected)
        self._listed = windows
        self._show()
        self._show_selection()

    def _show_selection(self) -> None:
        if not self.isVisible():
            return
        selected = self._session.selection.selected
        self.grid.set_selected(selected)
        page = self.pages.page
        if selected is not None and self.pages.go_to(selected) and self.pages.page != page:
            self._show()

    def _show(self) -> None:
        rows, shown, pages = self._session.selection.rows, self._session.selection.shown_rows, self.pages
        listed = {window: rows.row_of(window) for window in (*pages.shown, *pages.following)}
        self._rows = {
            window: one for window, row in listed.items() if (one := row or self._rows.get(window)) is not None
        }
        cells = [
            SheetCell(
                self._rows[window],
                listed[window] is not None,
                _DIGITS[index] if index < len(_DIGITS) else "",
                shown.stack_text(shown.place_of(window)),
            )
            for index, window in enumerate(pages.shown)
            if window in self._rows
        ]
        following = [row for window in pages.following if (row := self._rows.get(window)) is not None]
        whole = self._session.selection.scope is Scope.PROJECT
        self.grid.show_cells(cells, following, self._columns, with_videos=whole)
        last = pages.first + len(cells)
        self.page_label.setText(f"{pages.first + 1}–{last} of {pages.total:,}" if cells else "No windows")
        self.page_label.setToolTip(f"Page {pages.page + 1} of {pages.count}")
        self.previous_button.setEnabled(pages.page > 0)
        self.next_button.setEnabled(pages.page + 1 < pages.count)
        undecided = any(cell.listed and cell.decision is Decision.UNDECIDED for cell in cells)
        self.accept_button.setEnabled(undecided)
        self.rest_button.setEnabled(undecided)

    def showEvent(self, event: QShowEvent) -> None:
        self._invalidate()
        self._sync()
        self.grid.setFocus()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self.grid.set_paused(False)
        super().hideEvent(event)


def _tab_button(text: str, tooltip: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName("tab")
    button.setText(text)
    button.setCheckable(True)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    named(button, text, tooltip)
    return button


def _slim_button(name: str, tooltip: str, command: str) -> QPushButton:
    button = QPushButton()
    button.setObjectName("slim")
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    named_with_key(button, name, tooltip, command)
    return button
