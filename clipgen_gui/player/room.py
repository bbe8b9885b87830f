"""The player: video view, transport bar, playback and sound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QObject, QSettings
from PySide6.QtGui import QAction

from clipgen_gui.document.preferences import Preferences
from clipgen_gui.document.session import Session
from clipgen_gui.player.frame_server import FrameServer
from clipgen_gui.player.playback import SPEEDS, Playback
from clipgen_gui.player.sound import SoundPlayer
from clipgen_gui.player.transport_bar import TransportBar
from clipgen_gui.player.upcoming import UpcomingWindows
from clipgen_gui.player.video_view import VideoPlayer
from clipgen_gui.player.volume_control import VolumeControl

_LAST = 1 << 60  # beyond any video; the session clamps the playhead


class PlayerRoom(QObject):
    """Place `view` and `transport` in a layout; everything else is wired here."""

    def __init__(
        self,
        session: Session,
        actions: Mapping[str, QAction],
        preferences: Preferences,
        settings: QSettings,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self.playback = Playback(session, self)
        self.sound = SoundPlayer(session, self.playback, settings, parent=self)
        self.frames = FrameServer(self)
        self.upcoming = UpcomingWindows(session, self)
        self.view = VideoPlayer(session, self.frames, self.upcoming)
        self.transport = TransportBar(session, actions, SPEEDS, settings)
        self.volume = VolumeControl(session, self.sound, actions)
        self.transport.add_control(self.volume)
        self.view.clicked.connect(self.playback.toggle)
        self.view.frame_shown.connect(self.transport.show_frame)
        self.view.open_failed.connect(session.fail)
        self.transport.speed_chosen.connect(self.playback.set_speed)
        self.playback.speed_changed.connect(self.transport.show_speed)
        self.playback.playing_changed.connect(self.transport.show_playing)
        self.transport.show_speed(self.playback.speed)
        actions["loop"].setChecked(True)
        actions["loop"].toggled.connect(self.playback.set_loop)
        self.view.bind(actions, settings)
        self.view.set_export(preferences.export)
        preferences.changed.connect(lambda _: self.view.set_export(preferences.export))

    @property
    def commands(self) -> dict[str, Callable[[], object]]:
        """Handlers by command name."""
        return {
            "play": self.playback.toggle,
            "slower": partial(self.playback.step_speed, -1),
            "faster": partial(self.playback.step_speed, 1),
            "back": partial(self._step, -1),
            "forward": partial(self._step, 1),
            "back_10": partial(self._step, -10),
            "forward_10": partial(self._step, 10),
            "first": partial(self._go_to, 0),
            "last": partial(self._go_to, _LAST),
        }

    def _step(self, frames: int) -> None:
        self.playback.pause()
        if self._session.current is not None:
            self._session.selection.seek(self._session.current.position + frames)

    def _go_to(self, frame: int) -> None:
        self.playback.pause()
        self._session.selection.seek(frame)
