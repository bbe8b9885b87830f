"""Schedules the computation of learned tokens, the current video first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.settings import TokenSettings
from clipgen_engine.types import BLENDSHAPES, Analysis, Decision, Progress, ProgressCallback
from clipgen_gui.analysis.token_backend import Load, LoadedBackend, load_transformer
from clipgen_gui.analysis.token_filling import BackendRefused, FilledTokens, Focus, fill
from clipgen_gui.document.entry import VideoEntry, VideoState
from clipgen_gui.document.session import Session
from clipgen_gui.support.jobs import CacheFactory, EngineWorker, Verb

if TYPE_CHECKING:
    pass

_SETTLE_MS = 400  # debounces a checkpoint path that is being typed


class TokenState(StrEnum):
    OFF = "off"  # no checkpoint is set: blendshapes only
    IDLE = "idle"  # every token is computed
    LOADING = "loading"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"  # until the settings change


class TokenJob(QObject):
    """Computes the learned tokens of all analysed videos, one at a time."""

    changed = Signal()  # state or progress
    failed = Signal(str)  # reason why no learned tokens can be computed
    backbone_missing = Signal(str)  # reason; asks for permission to download it

    def __init__(
        self,
        session: Session,
        settings: Callable[[], TokenSettings],
        cache: CacheFactory | None = None,
        load: Load = load_transformer,
        parent: QObject | None = None,
    ) -> None:
        """
        Args:
            settings: the current preferences.
            cache: creates the token store, in the thread that uses it; None: tokens are not stored.
            load: loads a backend, in the worker thread.
        """
        super().__init__(parent)
        self._session, self._settings = session, settings
        self.cache, self.load = cache, load
        self._worker = EngineWorker("tokens", self)
        self._loaded = LoadedBackend()
        self._bases: dict[VideoEntry, Analysis] = {}  # without learned tokens
        self._done: set[VideoEntry] = set()
        self._running: VideoEntry | None = None
        self._may_download = False
        self._stopping = self._leaving = False
        self._focus = Focus(session.settings)
        self._began = 0.0, 0  # time and count from which the remaining time is estimated
        self.state = TokenState.OFF
        self.progress: Progress | None = None  # of the current video or of a download
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self.restart)
        self._worker.progressed.connect(lambda _, progress: self._report(progress))
        self._worker.offered.connect(lambda _, found: self._take(found))
        self._worker.finished.connect(lambda _, result: self._finish(result))
        self._worker.failed.connect(lambda _, sentence: self._fail(sentence))
        self._worker.cancelled.connect(lambda _: self._stopped())
        for signal in (session.selection.changed, session.ranking_changed, session.controls.changed):
            signal.connect(self._take_snapshot)
        session.current_changed.connect(self._switch)
        session.released.connect(self._release)

    @property
    def running(self) -> VideoEntry | None:
        return self._running

    def is_complete(self, entry: VideoEntry) -> bool:
        """Whether this video needs no further work: its tokens are computed or cannot be computed."""
        return entry in self._done

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds left for the running video; None until a rate is known."""
        if self.progress is None or self.state is not TokenState.RUNNING:
            return None
        began_s, began_done = self._began
        gained, elapsed = self.progress.done - began_done, time.monotonic() - began_s
        return elapsed / gained * (self.progress.total - self.progress.done) if gained > 0 else None

    # Requests

    def settings_changed(self) -> None:
        """Restart once the settings have settled."""
        self._settle.start()

    def restart(self) -> None:
        """Start over with the current settings."""
        self._settle.stop()
        self._may_download = False
        self._start_over()

    def _start_over(self) -> None:
        self._done.clear()
        for entry, base in self._bases.items():
            if entry.analysis is not base and entry.state is VideoState.DONE:
                self._session.set_tokens(entry, base, Ranker(base))
        off = self._settings().expression_transformer_checkpoint is None
        self._set_state(TokenState.OFF if off else TokenState.IDLE)
        if self._running is not None:
            self._stop()  # restarts once stopped
        else:
            self._start()

    def allow_download(self) -> None:
        """Allow the backbone download and start over."""
        self._may_download = True
        self._start_over()

    def pause(self, on: bool) -> None:
        """Pause or resume the computation."""
        if on and self.state in (TokenState.RUNNING, TokenState.LOADING, TokenState.IDLE):
            self._set_state(TokenState.PAUSED)
            self._stop()
        elif not on and self.state is TokenState.PAUSED:
            self._set_state(TokenState.IDLE)
            self._start()

    def take(self, entry: VideoEntry) -> None:
        """Queue a video whose analysis is complete."""
        if entry.analysis is None or any(one.backend != BLENDSHAPES for one in entry.analysis.tokens):
            return
        self._bases[entry] = entry.analysis
        self._done.discard(entry)
        if self._running is entry:
            self._stop()
        self._start()

    def request_end(self) -> None:
        """Stop permanently without updating the list; computed tokens are kept."""
        self._leaving = True
        self._stop()

    def _release(self, entry: VideoEntry) -> None:
        """Drop an evicted analysis; its tokens resume when it is loaded again."""
        self._bases.pop(entry, None)
        self._done.discard(entry)
        if self._running is entry:
            self._stop()

    # Running

    def _stop(self) -> None:
        self._stopping = True
        self._worker.cancel()

    def _switch(self) -> None:
        """Switch to the current video if it still needs tokens."""
        current = self._session.current
        self._take_snapshot()
        waits = current is not None and current in self._bases and current not in self._done
        if self._running is not None and self._running is not current and waits:
            self._stop()
        else:
            self._start()

    def _take_snapshot(self) -> None:
        """Snapshot the state of the review for the worker thread."""
        entry = self._session.current
        if entry is None:
            return
        reviews = entry.reviews.items()
        self._focus = Focus(
            self._session.settings,
            (entry.selected,) if entry.selected is not None else (),
            tuple(key for key, review in reviews if review.pinned),
            tuple(key for key, review in reviews if review.decision is Decision.REJECTED),
        )

    def _start(self) -> None:
        if self._running is not None or self.state is not TokenState.IDLE:
            return
        self._bases = {entry: base for entry, base in self._bases.items() if entry in self._session.videos}
        waiting = [one for one in self._bases if one not in self._done and one.state is VideoState.DONE]
        if not waiting:
            return
        current = self._session.current
        entry = current if current is not None and current in waiting else waiting[0]
        self._running, self.progress, self._stopping = entry, None, False
        self._set_state(TokenState.LOADING)
        settings = replace(self._settings(), allow_download=self._may_download)
        on_screen = entry is current

        def focus() -> Focus:
            return self._focus if on_screen else Focus(self._focus.settings)

        self._worker.start(self._verb(self._bases[entry], settings, focus))

    def _verb(self, base: Analysis, settings: TokenSettings, focus: Callable[[], Focus]) -> Verb:
        def run(report: ProgressCallback, offer: Callable[[Any], None], cancel: threading.Event) -> Any:
            return fill(
                base,
                settings,
                focus,
                self._loaded,
                self.load,
                self.cache,
                report,
                offer,
                cancel,
                abandoned=lambda: self._leaving,
            )

        return run

    # Results

    def _report(self, progress: Progress) -> None:
        begins = self.progress is None or self.progress.stage != progress.stage
        if begins:
            self._began = time.monotonic(), progress.done
        self.progress = replace(progress, partial=None)
        if self.state is TokenState.LOADING and progress.stage == "tokens":
            self.state = TokenState.RUNNING
        self.changed.emit()

    def _take(self, found: FilledTokens) -> None:
        if not self._stopping:
            self._show(found)

    def _show(self, found: FilledTokens) -> None:
        entry = self._running
        if entry is None or entry.state is not VideoState.DONE or self.state is TokenState.OFF:
            return
        if found.analysis.tracks is self._bases[entry].tracks:  # otherwise it has been analysed again since
            self._session.set_tokens(entry, found.analysis, found.ranker)

    def _finish(self, result: FilledTokens | BackendRefused) -> None:
        if self._stopping:
            if isinstance(result, FilledTokens) and self.state is TokenState.PAUSED:
                self._show(result)  # computed since the last offer
            self._stopped()
        elif isinstance(result, BackendRefused):
            self._running = None
            self._set_state(TokenState.FAILED)
            (self.backbone_missing if result.missing else self.failed).emit(result.sentence)
        else:
            self._take(result)
            self._give_up()

    def _fail(self, sentence: str) -> None:
        """Give up on a video that can no longer be read; the others continue."""
        self.failed.emit(sentence)
        self._give_up()

    def _give_up(self) -> None:
        if self._running is not None:
            self._done.add(self._running)
        self._stopped()

    def _stopped(self) -> None:
        self._running = None
        if self.state in (TokenState.LOADING, TokenState.RUNNING):
            self._set_state(TokenState.IDLE)
        self._start()
        self.changed.emit()

    def _set_state(self, state: TokenState) -> None:
        if state is not self.state:
            self.state = state
            self.changed.emit()
