"""Editor for the selected window's tags, note and subject."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from clipgen_gui.commands.keymap import with_key
from clipgen_gui.document.session import Session
from clipgen_gui.document.windows import WindowRow
from clipgen_gui.look.theme import px
from clipgen_gui.widgets.cards import named, named_with_key
from clipgen_gui.widgets.labels import shortened
from clipgen_gui.widgets.typing_field import QuickEntry, TypingField

_ADD = "{}+ Tag"


class WindowDetails(QWidget):
    """Two rows: tags; note and subject."""

    def __init__(self, session: Session, quick: QuickEntry, parent: QWidget | None = None) -> None:
        """
        Args:
            quick: entry for tags, and for note and subject while this widget is hidden.
        """
        super().__init__(parent)
        self._session, self._quick = session, quick
        self._row: WindowRow | None = None
        self.tags = _TagLine(session)
        self.tags.add.clicked.connect(lambda _=False: self.ask_tag())
        self.note = TypingField("Note")
        named_with_key(self.note, "Note", "Note on this window; saved as you type", "note")
        self.note.textEdited.connect(session.decisions.set_note)
        self.subject = TypingField("Subject")
        named_with_key(self.subject, "Subject", "Who this face is; applies to all windows of the face", "subject")
        self.subject.editingFinished.connect(self._set_subject)
        self.subject.cancelled.connect(lambda: self._show_subject(force=True))
        fields = QHBoxLayout()
        fields.setSpacing(6)
        fields.addWidget(self.note, 2)
        fields.addWidget(self.subject, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.tags)
        layout.addLayout(fields)
        for signal in (
            session.ranking_changed,
            session.project_windows.changed,
            session.selection.changed,
            session.current_changed,
            session.decisions.subjects_changed,
        ):
            signal.connect(self._show)
        session.selection.changed.connect(quick.hide)  # the entry was for another window
        self._show()

    # Commands

    def ask_tag(self) -> None:
        """Open the entry for one or more tags."""
        row = self._require_row("tag it")
        if row is not None:
            self._quick.ask(
                f"Tag window {self._session.selection.number_of(row)}",
                "Tags, separated by commas",
                "",
                self._known_tags(),
                self._tag,
            )

    def ask_note(self) -> None:
        """Focus the note field, or open the quick entry while it is hidden."""
        row = self._require_row("add a note")
        if row is None:
            return
        if self.isVisible():
            self.note.begin()
        else:
            self._quick.ask(
                f"Note on window {self._session.selection.number_of(row)}",
                "Note",
                row.note,
                (),
                self._session.decisions.set_note,
            )

    def ask_subject(self) -> None:
        """Focus the subject field, or open the quick entry while it is hidden."""
        row = self._require_row("name its subject")
        if row is None:
            return
        known = self._session.storage.subject_ids()
        if self.isVisible():
            self.subject.begin(known)
        else:
            track = row.key[2]
            self._quick.ask(
                f"Subject of face {track + 1}",
                "Subject ID",
                self._subject_of(row),
                known,
                lambda text: self._session.decisions.set_subject(track, text),
            )

    def _require_row(self, purpose: str) -> WindowRow | None:
        if self._row is None:
            self._session.refused.emit(f"{with_key('Select a window first', 'next_window')}, then {purpose}.")
        return self._row

    def _known_tags(self) -> list[str]:
        """Return the tags of the project and the open videos, without those of the window."""
        reviews = (review for entry in self._session.videos for review in entry.reviews.values())
        known = {*self._session.storage.tags(), *(tag for review in reviews for tag in review.tags)}
        return sorted(known - set(self._row.tags if self._row else ()))

    def _tag(self, text: str) -> None:
        if self._row is not None:
            self._session.decisions.set_tags([*self._row.tags, *text.split(",")])

    def _set_subject(self) -> None:
        if self._row is not None:
            self._session.decisions.set_subject(self._row.key[2], self.subject.text())

    # Following the session

    def _show(self) -> None:
        previous, self._row = self._row, self._session.selection.selected_row
        self.setVisible(self._row is not None)
        if self._row is None:
            return
        self.tags.show_tags(self._row.tags)
        if self.note.text() != self._row.note:
            self.note.setText(self._row.note)
            self.note.setCursorPosition(0)  # show the start of a long note
        self._show_subject(force=previous is None or previous.id != self._row.id)

    def _show_subject(self, *, force: bool = False) -> None:
        """Show the subject. Keeps text being typed unless `force`."""
        if self._row is None or (self.subject.hasFocus() and not force):
            return
        self.subject.setPlaceholderText(f"Subject of face {self._row.key[2] + 1}")
        self.subject.setText(self._subject_of(self._row))

    def _subject_of(self, row: WindowRow) -> str:
        return row.entry.subjects.get(row.key[2], "")


class _TagLine(QWidget):
    """Tag chips, as many as fit, and an add button."""

    _GAP = 4

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._tags: tuple[str, ...] = ()
        self.chips: list[QPushButton] = []
        self.add = QPushButton(_ADD.format(""), self)
        self.add.setObjectName("link")
        self.add.setFlat(True)
        self.add.setCursor(Qt.CursorShape.PointingHandCursor)
        self.add.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        named_with_key(self.add, "Add a tag", "Add a tag to this window", "tag")

    def show_tags(self, tags: tuple[str, ...]) -> None:
        if tags == self._tags:
            return
        self._tags = tags
        for chip in self.chips:
            chip.hide()
            chip.deleteLater()
        self.chips = [self._make_chip(tag) for tag in tags]
        self._layout_chips()

    def _make_chip(self, tag: str) -> QPushButton:
        chip = QPushButton(f"{shortened(tag, 20).replace('&', '&&')}  ×", self)
        chip.setObjectName("tagChip")
        chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        named(chip, f"Tag {tag}", f"Remove the tag “{tag}”")
        chip.clicked.connect(lambda _=False: self._session.decisions.set_tag(tag, False))
        return chip

    def _layout_chips(self) -> None:
        """Lay out chips from the left; hide those that do not fit and show their number on the button."""
        height = self.sizeHint().height()
        left = 0
        hidden = 0
        self.add.setText(_ADD.format(f"+{len(self.chips)} more  "))
        longest_add = self.add.sizeHint().width() + self._GAP
        for index, chip in enumerate(self.chips):
            width = chip.sizeHint().width()
            room = self.width() - longest_add
            fits = not hidden and (index == 0 or left + width <= room)
            chip.setVisible(fits)
            hidden += not fits
            if fits:
                chip.setGeometry(left, 0, min(width, room), height)
                left += chip.width() + self._GAP
        self.add.setText(_ADD.format(f"+{hidden} more  " if hidden else ""))
        self.setToolTip(", ".join(self._tags) if hidden else "")
        self.add.setGeometry(left, 0, self.add.sizeHint().width(), height)

    def sizeHint(self) -> QSize:
        return QSize(120, px(21))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._layout_chips()
