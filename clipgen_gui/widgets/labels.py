"""Labels for text of any length: a file name of 255 characters must not widen the window."""

from __future__ import annotations

import re

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

_BREAK = "\N{ZERO WIDTH SPACE}"
_ROUNDING = 2  # px; text widths are fractional
_LONG_WORD = re.compile(r"\S{24}(?=\S{4})")


def shortened(text: str, letters: int = 40) -> str:
    """Elide the middle of a text longer than this many characters."""
    head = letters // 2
    return text if len(text) <= letters else f"{text[:head]}…{text[len(text) - letters + head + 1 :]}"


class WrappedLabel(QLabel):
    """A multi-line label that also breaks long words."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._full_text = ""
        self.setTextFormat(Qt.TextFormat.PlainText)  # file names must not be parsed as HTML
        self.setWordWrap(True)
        self.setText(text)

    def text(self) -> str:
        return self._full_text

    def setText(self, text: str) -> None:
        self._full_text = text
        super().setText(_LONG_WORD.sub(rf"\g<0>{_BREAK}", text))


class ElidedLabel(QLabel):
    """A single-line label, elided in the middle; the tooltip then shows the full text."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._full_text = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setText(text)

    def text(self) -> str:
        return self._full_text

    def setText(self, text: str) -> None:
        self._full_text = text
        self._fit()
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        width = self._frame() + self.fontMetrics().horizontalAdvance(self._full_text) + _ROUNDING
        return QSize(width, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.FontChange:
            self._fit()

    def _frame(self) -> int:
        """Width of the style sheet's padding and border, px."""
        return super().sizeHint().width() - self.fontMetrics().horizontalAdvance(super().text())

    def _fit(self) -> None:
        room = self.width() - self._frame()
        shown = self.fontMetrics().elidedText(self._full_text, Qt.TextElideMode.ElideMiddle, room)
        super().setText(shown)
        self.setToolTip("" if shown == self._full_text else self._full_text)
