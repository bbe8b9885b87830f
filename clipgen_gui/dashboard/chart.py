"""What bars and columns have in common: marks that are hovered, reached by arrow keys and clicked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt, Signal
from PySide6.QtGui import QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from clipgen_gui.look.theme import follow_theme
from clipgen_gui.widgets.cards import named

_BEFORE = (Qt.Key.Key_Left, Qt.Key.Key_Up)
_AFTER = (Qt.Key.Key_Right, Qt.Key.Key_Down)
_PRESS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_KEYS = (*_BEFORE, *_AFTER, *_PRESS, Qt.Key.Key_Home, Qt.Key.Key_End)


@dataclass(frozen=True)
class Mark:
    """One bar or column. `kind` and `value` are what a click filters by."""

    kind: str
    value: str
    label: str
    number: str  # text beside a bar
    spoken: str  # tooltip, and description for screen readers
    amount: float  # length of the bar, or of the column above the axis
    rejected: float = 0.0  # second part of the bar, or the column below the axis
    goal: float | None = None  # where the goal is, in units of the amount
    color: str = "accepted"  # role in the palette
    full: bool = False  # whether the goal is reached


class Chart(QWidget):
    """A painted list of marks. Subclasses paint them and say where each is."""

    clicked = Signal(str, str)  # kind and value of a mark
    moved = Signal(QRect)  # where the mark is that the arrow keys went to

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self.marks: tuple[Mark, ...] = ()
        self.current = 0  # index of the mark that Enter clicks
        self.hovered: int | None = None
        self.active: frozenset[tuple[str, str]] = frozenset()  # kind and value of the marks that the list shows
        named(self, name)
        self.setToolTip("")  # each mark has its own
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        follow_theme(self, self._resized)

    def show_marks(self, marks: Sequence[Mark]) -> None:
        """Replace the marks; the current one stays current where it is still shown."""
        marks = tuple(marks)
        if marks == self.marks:
            return
        before = self.marks[self.current] if self.current < len(self.marks) else None
        same = (
            index for index, one in enumerate(marks) if before and (one.kind, one.value) == (before.kind, before.value)
        )
        resized = len(marks) != len(self.marks)
        self.marks, self.hovered = marks, None
        self.current = next(same, min(self.current, max(0, len(marks) - 1)))
        if resized:
            self._resized()
        self._describe()
        self.update()

    def show_active(self, active: frozenset[tuple[str, str]]) -> None:
        """Emphasise the marks that the list is filtered by."""
        if active != self.active:
            self.active = active
            self.update()

    def rect_of(self, index: int) -> QRect:
        """Where a mark can be clicked."""
        raise NotImplementedError

    def is_active(self, mark: Mark) -> bool:
        return (mark.kind, mark.value) in self.active

    def _resized(self) -> None:
        self.updateGeometry()
        self.update()

    def _describe(self) -> None:
        spoken = self.marks[self.current].spoken if self.marks else "Nothing yet"
        self.setAccessibleDescription(
            f"{spoken}. Mark {self.current + 1} of {len(self.marks)}" if self.marks else spoken
        )

    def _at(self, point: QPoint | QPointF) -> int | None:
        place = point.toPoint() if isinstance(point, QPointF) else point
        return next((index for index in range(len(self.marks)) if self.rect_of(index).contains(place)), None)

    def _click(self, index: int) -> None:
        mark = self.marks[index]
        self.clicked.emit(mark.kind, mark.value)

    # Mouse

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hovered = self._at(event.position())
        if hovered != self.hovered:
            self.hovered = hovered
            self.setCursor(Qt.CursorShape.ArrowCursor if hovered is None else Qt.CursorShape.PointingHandCursor)
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered = None
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self._at(event.position())
        if event.button() is Qt.MouseButton.LeftButton and index is not None:
            self.current = index
            self._describe()
            self._click(index)
            self.update()

    # Keyboard

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in _KEYS:
            event.accept()  # otherwise the arrows would move through the windows
            return True
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            index = self._at(event.pos())
            if index is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), self.marks[index].spoken, self, self.rect_of(index))
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, last = event.key(), len(self.marks) - 1
        if key not in _KEYS or last < 0:
            super().keyPressEvent(event)
        elif key in _PRESS:
            self._click(self.current)
        else:
            step = -1 if key in _BEFORE else 1 if key in _AFTER else 0
            wanted = self.current + step if step else 0 if key == Qt.Key.Key_Home else last
            self.current = min(max(wanted, 0), last)
            self._describe()
            self.moved.emit(self.rect_of(self.current))
            self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    @property
    def shown_current(self) -> int | None:
        """Index of the current mark while the chart has the focus."""
        return self.current if self.hasFocus() and self.marks else None
