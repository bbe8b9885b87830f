"""The card of ranked windows: filter, table or film strip."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, QSettings, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QGridLayout,
    QMenu,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from clipgen_engine.types import Decision
from clipgen_gui.document.filter import WindowFilter
from clipgen_gui.document.selection import Scope
from clipgen_gui.document.session import Session
from clipgen_gui.look.theme import icon
from clipgen_gui.review.film_strip import FilmStrip
from clipgen_gui.review.filter_button import FilterButton
from clipgen_gui.review.model import WindowsModel
from clipgen_gui.review.table import WindowsTable
from clipgen_gui.widgets.cards import Card, chip, named, named_with_key
from clipgen_gui.widgets.labels import ElidedLabel, WrappedLabel

_STRIP_KEY, _STACKS_KEY = "windows/film_strip", "windows/stack_similar"


class WindowsPanel(Card):
    """Selecting a row seeks to the window; clicking its decision icon toggles the decision."""

    def __init__(self, session: Session, settings: QSettings, parent: QWidget | None = None) -> None:
        super().__init__("Best windows", parent, foldable=True)
        self._session, self._settings = session, settings
        self.scopes = self._add_scope_buttons()
        self._context_actions: Sequence[QAction | None] = ()
        self.count = chip()
        self.filter = FilterButton(session, self.set_stacking)
        self.model = WindowsModel()
        self.view = WindowsTable(self.model)
        self.strip = FilmStrip(self.model)
        self.strip.setSelectionModel(self.view.selectionModel())
        self._stack = QStackedWidget()
        self._stack.addWidget(self.view)
        self._stack.addWidget(self.strip)
        for widget in (self.filter, self.count):
            self.header.addWidget(widget)
        self._choices = self._add_view_buttons()
        self._hint_text = ""
        self._empty_state, self._hint, self.show_all = QWidget(), WrappedLabel(), QPushButton("Show all")
        self._build_empty_state()
        both = QGridLayout()
        both.addWidget(self._stack, 0, 0)
        both.addWidget(self._empty_state, 0, 0)
        self.body.addLayout(both)
        self.note = ElidedLabel()  # what is not listed although it is ranked
        self.note.setObjectName("muted")
        self.body.addWidget(self.note)
        for view in (self.view, self.strip):
            view.clicked.connect(self._clicked)
            view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            view.customContextMenuRequested.connect(lambda at, view=view: self._show_menu(view, at))
        self.strip.mark_clicked.connect(self._toggle)
        self.view.difference_clicked.connect(
            lambda difference: session.selection.sort_by_disagreement(
                difference and not session.selection.by_disagreement
            )
        )
        self.show_strip(str(settings.value(_STRIP_KEY, "false")) == "true")
        self.set_stacking(str(settings.value(_STACKS_KEY, "false")) == "true")
        self.folded_changed.connect(self._show_view_buttons)
        for changed in (
            session.current_changed,
            session.ranking_changed,
            session.project_windows.changed,
            session.selection.filter_changed,
        ):
            changed.connect(self._show)
        session.selection.changed.connect(self._show_selection)
        self._show()

    def _add_scope_buttons(self) -> dict[Scope, QToolButton]:
        """Add the choice whose windows are listed; it stands in the place of a title."""
        self.title.hide()
        self.header.setSpacing(4)
        group = QButtonGroup(self)
        texts = {
            Scope.VIDEO: ("This video", "List the best windows of this video"),
            Scope.PROJECT: ("Project", "List the best windows of all videos together"),
        }
        buttons = {}
        for place, (scope, (text, tooltip)) in enumerate(texts.items()):
            button = QToolButton()
            button.setObjectName("tab")
            button.setText(text)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            named_with_key(button, text, tooltip, "scope")
            button.clicked.connect(partial(self._session.selection.set_scope, scope))
            group.addButton(button)
            self.header.insertWidget(1 + place, button)  # after the arrow
            buttons[scope] = button
        return buttons

    def _add_view_buttons(self) -> tuple[QToolButton, QToolButton]:
        group = QButtonGroup(self)
        buttons = []
        for name, text, strip in (("table", "Table", False), ("filmstrip", "Film strip", True)):
            button = QToolButton()
            button.setObjectName("tab")
            button.setIcon(icon(name, "muted", "accent"))
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            named_with_key(button, text, f"List the windows as a {text.lower()}", "film_strip")
            button.clicked.connect(lambda _=False, strip=strip: self.show_strip(strip))
            group.addButton(button)
            self.header.addWidget(button)
            buttons.append(button)
        return buttons[0], buttons[1]

    def _show_view_buttons(self, folded: bool) -> None:
        for button in self._choices:
            button.setHidden(folded)

    def _build_empty_state(self) -> None:
        """Build the hint and the link shown over an empty list."""
        self._hint.setObjectName("muted")
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.show_all.setObjectName("link")
        self.show_all.setCursor(Qt.CursorShape.PointingHandCursor)
        named(self.show_all, "Show all windows", "Clear the filter")
        self.show_all.clicked.connect(lambda _=False: self._session.selection.set_filter(WindowFilter()))
        layout = QVBoxLayout(self._empty_state)
        layout.addStretch(1)
        layout.addWidget(self._hint)
        layout.addWidget(self.show_all, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)

    def take_focus(self) -> None:
        """Focus the list, or the folded card. A focus proxy would make Tab skip the header."""
        (self if self.folded else self.strip if self.shows_strip else self.view).setFocus()

    @property
    def shows_strip(self) -> bool:
        return self._stack.currentWidget() is self.strip

    def show_strip(self, on: bool) -> None:
        """Show the film strip, or the table."""
        view = self.strip if on else self.view
        focused = self.view.hasFocus() or self.strip.hasFocus()
        self._stack.setCurrentWidget(view)
        if focused:
            view.setFocus()
        self._choices[on].setChecked(True)
        self._settings.setValue(_STRIP_KEY, "true" if on else "false")
        self._empty_state.raise_()

    def set_stacking(self, on: bool) -> None:
        """Stack similar windows in the scope of the project, or list each."""
        self._settings.setValue(_STACKS_KEY, "true" if on else "false")
        self._session.selection.set_stacking(on)

    def set_context_actions(self, actions: Sequence[QAction | None]) -> None:
        """Set the context menu of a window; None inserts a separator."""
        self._context_actions = actions

    def set_hint(self, text: str) -> None:
        """Show a hint in the empty list; empty hides it."""
        self._hint_text = text
        self._show_hint()

    def _show_hint(self) -> None:
        selection = self._session.selection
        hidden = len(selection.rows) if not self.model.rows else 0
        text = self._hint_text if selection.scope is Scope.VIDEO else self._project_hint()
        if hidden:
            text = f"{hidden:,} {'window is' if hidden == 1 else 'windows are'} hidden by the filter."
        self._hint.setText(text)
        self.show_all.setVisible(bool(hidden))
        self._empty_state.setVisible(bool(text))

    def _project_hint(self) -> str:
        if self.model.rows:
            return ""
        if not any(entry.analysis_name for entry in self._session.videos):
            return "The windows of all videos appear here once the first is analysed."
        return "" if self._session.project_windows.ranked else "Loading the analyses of the project."

    # Following the session

    def _show(self) -> None:
        session = self._session
        whole = session.selection.scope is Scope.PROJECT
        self.scopes[session.selection.scope].setChecked(True)
        self.model.show(session.selection.shown_rows, session.controls.shown_terms, with_videos=whole)
        self.view.show_order(by_difference=session.selection.by_disagreement and not whole)
        self._show_count()
        self._show_selection()
        self._show_hint()
        left_out = session.selection.left_out
        self.note.setVisible(bool(left_out))
        subjects = ", ".join(sorted(session.selection.full_subjects))
        self.note.setText(f"{left_out:,} undecided of {subjects} left out: goal reached")

    def _show_count(self) -> None:
        session = self._session
        total, shown = len(session.selection.rows), len(self.model.rows)
        whole = session.selection.scope is Scope.PROJECT
        ranking = session.project_windows.ranked if whole else session.current.ranking if session.current else None
        text = f"{total:,}" if not session.selection.filter.active else f"{shown:,} of {total:,}"
        if session.selection.stack_counts is not None:
            stacks, shown = session.selection.stack_counts
            text = f"{stacks:,} {'stack' if stacks == 1 else 'stacks'} of {shown:,}"
        self.count.setText(text)
        if ranking is not None:
            quota = session.settings.num_sequences
            of_each = f" (up to {quota} of each video, and those you decided on)" if whole else ""
            self.count.setToolTip(
                f"Showing {shown:,} of {total:,} listed windows{of_each}\n{ranking.valid_count:,} of "
                f"{ranking.window_count:,} possible windows pass every condition"
            )
        self.count.setVisible(ranking is not None and bool(ranking.window_count))

    def _show_selection(self) -> None:
        row = self.model.row_of(self._session.selection.selected)
        if row is None:
            self.view.selectionModel().clear()
        elif self.view.currentIndex().row() != row or not self.view.selectionModel().hasSelection():
            index = self.model.index(row, 0)
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.view.selectionModel().setCurrentIndex(index, flags)
            for view in (self.view, self.strip):
                view.scrollTo(index)

    # Mouse events

    def _clicked(self, index: QModelIndex) -> None:
        self._session.selection.go_to(self.model.rows.ids[index.row()])
        if index.column() == self.model.decision_column:
            self._toggle(index)

    def _toggle(self, index: QModelIndex) -> None:
        accepted = self.model.rows[index.row()].decision is Decision.ACCEPTED
        self._session.decisions.decide(Decision.UNDECIDED if accepted else Decision.ACCEPTED, advance=False)

    def _show_menu(self, view: QAbstractItemView, at: QPoint) -> None:
        index = view.indexAt(at)
        if not index.isValid():
            return
        self._session.selection.go_to(self.model.rows.ids[index.row()])
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for action in self._context_actions:
            if action is None:
                menu.addSeparator()
            else:
                menu.addAction(action)
        menu.popup(view.viewport().mapToGlobal(at))
