"""Keyboard focus indicator for lists, plots and the video; styled controls draw their own."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QRegion
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from clipgen_gui.look.theme import palette

_STYLED = (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit, QPlainTextEdit, QTextEdit)
_WIDTH = 2


class FocusRing(QWidget):
    """Overlay around the widget that received focus by keyboard. Not shown after a click."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._watched: list[QWidget] = []
        self.hide()
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._follow)

    @property
    def target(self) -> QWidget | None:
        """The widget with the ring; None if hidden."""
        return self._watched[0] if self._watched and not self.isHidden() else None

    @Slot(QWidget, QWidget)
    def _follow(self, _before: QWidget | None, now: QWidget | None) -> None:
        for widget in self._watched:
            widget.removeEventFilter(self)
        self._watched = []
        window = self.window()
        by_keyboard = QApplication.mouseButtons() == Qt.MouseButton.NoButton
        if now is None or now.window() is not window or isinstance(now, _STYLED) or not by_keyboard:
            self.hide()
            return
        if not now.focusPolicy() & Qt.FocusPolicy.TabFocus:
            self.hide()
            return
        above: QWidget | None = now
        while above is not None and above is not window:  # any moved ancestor moves the ring
            above.installEventFilter(self)
            self._watched.append(above)
            above = above.parentWidget()
        self._place()
        self.show()
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Move, QEvent.Type.Resize) and self._watched:
            self._place()
        return False

    def _place(self) -> None:
        focused = self._watched[0]
        around = QRect(focused.mapTo(self.window(), QPoint()), focused.size())
        self.setGeometry(around)
        inner = self.rect().adjusted(_WIDTH, _WIDTH, -_WIDTH, -_WIDTH)
        self.setMask(QRegion(self.rect()) - QRegion(inner))  # playback inside does not repaint the ring

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(QPen(QColor(palette().accent), 2 * _WIDTH))
        painter.drawRect(self.rect())
