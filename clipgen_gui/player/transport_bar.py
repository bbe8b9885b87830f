"""The bar below the picture: time, transport buttons, overlay toggles, speed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSettings, QSize, Qt, Signal
from PySide6.QtGui import QAction, QMouseEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QToolButton, QWidget

from clipgen_gui.commands.keymap import key_hint, keymap
from clipgen_gui.document.session import Session
from clipgen_gui.look.theme import follow_theme, icon, palette, px
from clipgen_gui.player.face_overlays import Overlay
from clipgen_gui.support.formatting import TimeFormat, position
from clipgen_gui.support.signals import follow
from clipgen_gui.widgets.cards import named, named_with_key

_TIME_FORMAT = "player/time_format"


class TransportBar(QWidget):
    """Transport controls and the time of the displayed frame."""

    speed_chosen = Signal(float)

    def __init__(
        self,
        session: Session,
        actions: Mapping[str, QAction],
        speeds: Sequence[float],
        settings: QSettings,
        parent: QWidget | None = None,
    ) -> None:
        """
        Args:
            settings: stores the time format.
        """
        super().__init__(parent)
        self._session = session
        self._settings = settings
        stored = str(settings.value(_TIME_FORMAT, TimeFormat.SECONDS))
        self.time_format = TimeFormat(stored) if stored in list(TimeFormat) else TimeFormat.SECONDS
        self.time = _TimeLabel()
        self.time.clicked.connect(actions["time_format"].trigger)
        actions["time_format"].triggered.connect(lambda _: self.switch_time_format())
        self._speed = QComboBox()
        follow(self._speed, keymap.changed, lambda: named(self._speed, "Playback speed", _speed_help()))
        for speed in speeds:
            self._speed.addItem(f"{speed:g}×", speed)
        self._speed.activated.connect(lambda index: self.speed_chosen.emit(speeds[index]))

        self._buttons: dict[str, QToolButton] = {}
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for name in ("first", "back", "play", "forward", "last"):
            buttons.addWidget(self._button(actions[name], "play" if name == "play" else "transport"))

        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 6, 14, 8)
        left, right = QHBoxLayout(), QHBoxLayout()
        left.addWidget(self.time)
        left.addStretch(1)
        right.setSpacing(2)
        right.addStretch(1)
        for overlay in Overlay:
            right.addWidget(self._button(actions[overlay], "transport"))
        right.addSpacing(8)
        self._right_layout = right
        right.addWidget(self._speed)
        layout.addLayout(left, 1)
        layout.addLayout(buttons)
        layout.addLayout(right, 1)

        self._play = actions["play"]
        self._frame = -1
        session.current_changed.connect(lambda: self.show_frame(-1))
        self.show_playing(False)
        follow_theme(self, self._apply_theme)

    def _button(self, action: QAction, style_name: str) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(action)
        button.setObjectName(style_name)
        button.setAccessibleName(action.toolTip())
        self._buttons[action.text()] = button
        return button

    def _apply_theme(self) -> None:
        self._speed.setFixedWidth(px(76))
        for button in self._buttons.values():
            button.setIconSize(QSize(px(20), px(20)))
        self._buttons[self._play.text()].setFixedSize(px(17) * 2, px(17) * 2)
        self.show_frame(self._frame)

    def show_frame(self, frame: int) -> None:
        """Show the time of this frame; -1 if no picture is shown."""
        self._frame = frame
        entry = self._session.current
        info = entry.info if entry else None
        shown, total = position(info, frame, self.time_format) if info else ("--:--.--", "--:--.--")
        self.time.setText(
            f'<span style="font-size:{px(16)}px; font-weight:600">{shown}</span>'
            f'<span style="color:{palette().muted}"> / {total}</span>'
        )

    def switch_time_format(self) -> None:
        """Switch to the next time format: seconds, frames, timecode."""
        self.time_format = self.time_format.next
        self._settings.setValue(_TIME_FORMAT, str(self.time_format))
        self.show_frame(self._frame)

    def add_control(self, widget: QWidget) -> None:
        """Add a control at the right end."""
        self._right_layout.addSpacing(6)
        self._right_layout.addWidget(widget)

    def show_speed(self, speed: float) -> None:
        self._speed.setCurrentIndex(self._speed.findData(speed))

    def show_playing(self, playing: bool) -> None:
        self._play.setIcon(icon("pause" if playing else "play", "on_accent"))


class _TimeLabel(QLabel):
    clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        help_text = "Current time and duration. Click to switch between seconds, frames and timecode"
        named_with_key(self, "Time", help_text, "time_format")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()


def _speed_help() -> str:
    return f"Playback speed ({key_hint('slower')} slower, {key_hint('faster')} faster)"
