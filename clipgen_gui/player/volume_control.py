"""Mute button and volume slider."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QSlider, QToolButton, QWidget

from clipgen_gui.commands.keymap import key_hint, keymap, with_key
from clipgen_gui.document.session import Session
from clipgen_gui.look.theme import follow_theme, icon, px
from clipgen_gui.player.sound import SoundPlayer
from clipgen_gui.support.signals import follow
from clipgen_gui.widgets.cards import named

_STEPS = 100
_STEP = 0.1  # per key press


class VolumeControl(QWidget):
    """Shows and sets the volume; disabled if the video has no sound."""

    def __init__(self, session: Session, sound: SoundPlayer, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self._session, self._sound, self._actions = session, sound, actions
        self.button = QToolButton()
        self.button.setObjectName("transport")
        self.button.setDefaultAction(actions["mute"])
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _STEPS)
        self.slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # arrow keys belong to the player
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.button)
        layout.addWidget(self.slider)
        self.slider.valueChanged.connect(lambda value: sound.set_volume(value / _STEPS))
        actions["mute"].triggered.connect(sound.set_muted)
        actions["louder"].triggered.connect(lambda _: sound.set_volume(sound.volume + _STEP))
        actions["quieter"].triggered.connect(lambda _: sound.set_volume(sound.volume - _STEP))
        for signal in (sound.volume_changed, sound.muted_changed, session.current_changed):
            signal.connect(self._show)
        follow(self, keymap.changed, self._show)
        follow_theme(self, self._apply_theme)

    def _apply_theme(self) -> None:
        self.button.setIconSize(QSize(px(20), px(20)))
        self.slider.setFixedWidth(px(64))
        self._show()

    def _show(self) -> None:
        sound, entry = self._sound, self._session.current
        silent = entry is not None and entry.info is not None and not entry.info.has_audio
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(sound.volume * _STEPS))
        self.slider.setEnabled(not silent)
        mute = self._actions["mute"]
        mute.setEnabled(not silent)
        mute.setChecked(sound.muted)
        level = "off" if sound.muted or silent else "low" if sound.volume < 0.35 else "high"
        mute.setIcon(icon(f"volume-{level}"))
        none = "This video has no sound"
        keys = f"{key_hint('louder')} louder, {key_hint('quieter')} quieter"
        tooltip = none if silent else f"Volume {sound.volume:.0%} ({keys})"
        mute.setToolTip(none if silent else with_key("Mute or unmute", "mute"))
        named(self.button, "Mute", mute.toolTip())
        named(self.slider, "Volume", tooltip)
