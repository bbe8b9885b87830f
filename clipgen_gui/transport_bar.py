"""The row under the picture: time, transport buttons, speed."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QToolButton, QWidget

from clipgen_gui.cards import named
from clipgen_gui.session import Session
from clipgen_gui.theme import follow_theme, icon, palette, px
from clipgen_gui.timecode import clock


class TransportBar(QWidget):
    """Buttons for the transport actions; it shows the time of the picture on screen."""

    speed_chosen = Signal(float)

    def __init__(
        self, session: Session, actions: dict[str, QAction], speeds: Sequence[float], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._time = QLabel()
        self._time.setTextFormat(Qt.TextFormat.RichText)
        named(self._time, "Time", "Time of the picture, and length of the video")
        self._speed = QComboBox()
        named(self._speed, "Speed", "Speed (J slower, L faster)")
        for speed in speeds:
            self._speed.addItem(f"{speed:g}×", speed)
        self._speed.activated.connect(lambda index: self.speed_chosen.emit(speeds[index]))

        self._buttons: dict[str, QToolButton] = {}
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for name in ("first", "back", "play", "forward", "last"):
            button = QToolButton()
            button.setDefaultAction(actions[name])
            button.setObjectName("play" if name == "play" else "transport")
            button.setAccessibleName(actions[name].toolTip())
            buttons.addWidget(button)
            self._buttons[name] = button

        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 6, 14, 8)
        left, right = QHBoxLayout(), QHBoxLayout()
        left.addWidget(self._time)
        left.addStretch(1)
        right.addStretch(1)
        right.addWidget(self._speed)
        layout.addLayout(left, 1)
        layout.addLayout(buttons)
        layout.addLayout(right, 1)

        self._play = actions["play"]
        self._frame = -1
        session.current_changed.connect(lambda: self.show_frame(-1))
        self.show_playing(False)
        follow_theme(self, self._dress)

    def _dress(self) -> None:
        self._speed.setFixedWidth(px(76))
        for button in self._buttons.values():
            button.setIconSize(QSize(px(20), px(20)))
        self._buttons["play"].setFixedSize(px(17) * 2, px(17) * 2)
        self.show_frame(self._frame)

    def show_frame(self, frame: int) -> None:
        """Show the time of this frame; -1 where no picture is on screen."""
        self._frame = frame
        entry = self._session.current
        info = entry.info if entry else None
        shown = clock(float(info.times_s[frame])) if info and 0 <= frame < info.frame_count else "--:--.--"
        total = clock(info.duration_s) if info else "--:--.--"
        self._time.setText(
            f'<span style="font-size:{px(16)}px; font-weight:600">{shown}</span>'
            f'<span style="color:{palette().muted}"> / {total}</span>'
        )

    def show_speed(self, speed: float) -> None:
        self._speed.setCurrentIndex(self._speed.findData(speed))

    def show_playing(self, playing: bool) -> None:
        self._play.setIcon(icon("pause" if playing else "play", "on_accent"))
