"""Cards and small helpers for building panels."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from clipgen_gui.commands.keymap import keymap, with_key
from clipgen_gui.look.theme import follow_theme, icon, px
from clipgen_gui.support.signals import follow
from clipgen_gui.widgets.labels import WrappedLabel

_ANY_HEIGHT = (1 << 24) - 1  # Qt's default maximum


class Card(QFrame):
    """A titled panel. `header` holds the widgets right of the title, `body` the content."""

    folded_changed = Signal(bool)

    def __init__(self, title: str = "", parent: QWidget | None = None, *, foldable: bool = False) -> None:
        """
        Args:
            foldable: whether an arrow before the title folds the card down to its header.
        """
        super().__init__(parent)
        self.setObjectName("card")
        self.fold: QToolButton | None = None
        self._name = title
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 9, 12, 10)
        layout.setSpacing(6)
        self.header = QHBoxLayout()
        self.header.setSpacing(8)
        if title:
            self.title = QLabel(title.upper())
            self.title.setObjectName("cardTitle")
            lead = QHBoxLayout()  # with a spacing of its own, so that the titles of all cards stand in line
            lead.setSpacing(4)
            if foldable:
                self.fold = self._fold_arrow()
                lead.addWidget(self.fold)
            lead.addWidget(self.title)
            self.header.addLayout(lead)
            self.header.addStretch(1)
            layout.addLayout(self.header)
        self._content = QWidget()
        self._content.setObjectName("plain")
        self.body = QVBoxLayout(self._content)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(4)
        layout.addWidget(self._content, 1)
        if self.fold is not None:
            follow_theme(self.fold, self._show_fold)

    def _fold_arrow(self) -> QToolButton:
        arrow = QToolButton()
        arrow.setObjectName("arrow")
        arrow.setCheckable(True)
        arrow.setChecked(True)
        arrow.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        arrow.toggled.connect(lambda shown: self.set_folded(not shown))
        return arrow

    @property
    def folded(self) -> bool:
        """Whether only the header is shown."""
        return self._content.isHidden()

    def set_folded(self, on: bool) -> None:
        """Show only the header, or the whole card."""
        if self.fold is not None and on != self.folded:
            self._content.setVisible(not on)
            self.fold.setChecked(not on)
            self.folded_changed.emit(on)
            self._show_fold()

    def _show_fold(self) -> None:
        if self.fold is None:
            return
        self.fold.setIconSize(QSize(px(16), px(16)))
        self.fold.setFixedSize(px(20), px(22))
        self.fold.setIcon(icon("chevron-right" if self.folded else "chevron-down", "muted"))
        named(self.fold, f"{self._name} card", "Show the card" if self.folded else "Fold the card to its title")
        layout = self.layout()
        assert layout is not None
        margins = layout.contentsMargins()
        header = self.header.sizeHint().height() + margins.top() + margins.bottom()
        self.setMaximumHeight(header if self.folded else _ANY_HEIGHT)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Fold or unfold by a click on the title, or anywhere on a folded card: the arrow alone is a small target."""
        place = event.position().toPoint()
        on_it = self.rect().contains(place) if self.folded else self.fold and self.title.geometry().contains(place)
        if self.fold is not None and on_it and event.button() is Qt.MouseButton.LeftButton:
            self.set_folded(not self.folded)
        else:
            super().mouseReleaseEvent(event)


class ScrollSection(QScrollArea):
    """A card section that takes the height of its content if there is room, and scrolls otherwise."""

    _MIN_HEIGHT, _MAX_HEIGHT = 206, 300

    def __init__(self, inner: QWidget) -> None:
        super().__init__()
        inner.setObjectName("plain")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self._inner = inner
        self.setWidget(inner)

    def sizeHint(self) -> QSize:
        return QSize(240, min(self._MAX_HEIGHT, self._inner.sizeHint().height()))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, min(self._MIN_HEIGHT, self._inner.sizeHint().height()))


def fold_button(text: str, tooltip: str) -> QToolButton:
    """Return a button with an arrow that expands and collapses the content below it."""
    button = QToolButton()
    button.setObjectName("fold")
    button.setText(text)
    button.setCheckable(True)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    follow_theme(button, lambda: button.setIconSize(QSize(px(14), px(14))))

    def show_state(opened: bool) -> None:
        button.setIcon(icon("chevron-down" if opened else "chevron-right", "muted"))

    button.toggled.connect(show_state)
    show_state(False)
    named(button, text, tooltip)
    return button


def named(widget: QWidget, name: str, tooltip: str = "") -> None:
    """Set the accessible name and the tooltip of a control; the tooltip defaults to the name."""
    widget.setAccessibleName(name)
    widget.setToolTip(tooltip or name)


def named_with_key(widget: QWidget, name: str, tooltip: str, command: str) -> None:
    """Like `named`, with the current shortcut of a command appended to the tooltip."""
    follow(widget, keymap.changed, lambda: named(widget, name, with_key(tooltip, command)))


def chip(text: str = "") -> QLabel:
    label = QLabel(text)
    label.setObjectName("chip")
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)  # also next to taller buttons
    return label


def fixed_size_label(width: int, height: int) -> QLabel:
    """Return a fixed-size label, so that frequent text changes do not trigger a relayout."""
    label = QLabel()
    follow_theme(label, lambda: label.setFixedSize(px(width), px(height)))
    return label


def restyle(widget: QWidget, name: str, value: object) -> None:
    """Set a property used in style sheet selectors and repolish the widget."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def muted_label(text: str = "", *, wrap: bool = False) -> QLabel:
    label = WrappedLabel(text) if wrap else QLabel(text)
    label.setObjectName("muted")
    if wrap:
        label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.MinimumExpanding)
    return label
