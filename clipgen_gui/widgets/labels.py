"""Labels for texts of any length: a file's name may have 255 letters, and no window should become wide for it."""

from __future__ import annotations

import re

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

_BREAK = "\N{ZERO WIDTH SPACE}"
_ROUNDING = 2  # px: letters are not whole pixels wide
_LONG_WORD = re.compile(r"\S{24}(?=\S{4})")


def shortened(text: str, letters: int = 40) -> str:
    """A text of this many letters at most, its middle left out where it is longer."""
    head = letters // 2
    return text if len(text) <= letters else f"{text[:head]}…{text[len(text) - letters + head + 1 :]}"


class WrappedLabel(QLabel):
    """Several lines; a word that is too long for one goes on in the next."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole = ""
        self.setTextFormat(Qt.TextFormat.PlainText)  # whatever a file is called
        self.setWordWrap(True)
        self.setText(text)

    def text(self) -> str:
        return self._whole

    def setText(self, text: str) -> None:
        self._whole = text
        super().setText(_LONG_WORD.sub(rf"\g<0>{_BREAK}", text))


class ElidedLabel(QLabel):
    """One line, whose middle gives way where there is little room; the tooltip has all of it."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setText(text)

    def text(self) -> str:
        return self._whole

    def setText(self, text: str) -> None:
        self._whole = text
        self._fit()
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        width = self._frame() + self.fontMetrics().horizontalAdvance(self._whole) + _ROUNDING
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
        """What the style sheet puts around the text, px."""
        return super().sizeHint().width() - self.fontMetrics().horizontalAdvance(super().text())

    def _fit(self) -> None:
        room = self.width() - self._frame()
        shown = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideMiddle, room)
        super().setText(shown)
        self.setToolTip("" if shown == self._whole else self._whole)
