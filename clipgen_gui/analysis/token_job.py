"""Learned tokens in the background: of the video on screen first, and there where the curator looks first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from clipgen_engine.errors import Cancelled, ClipgenError, ModelMissingError
from clipgen_engine.expression_tokens.backends import FrameBackend, load_backend
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.settings import RankingSettings, TokenSettings
from clipgen_engine.types import BLENDSHAPES, Analysis, Decision, Int64Array, Progress, ProgressCallback
from clipgen_gui.document.entry import Key, VideoEntry, VideoState
from clipgen_gui.document.session import Session
from clipgen_gui.support.jobs import EngineWorker

if TYPE_CHECKING:
    from clipgen_engine.analysis.cache import AnalysisCache

_OFFER_INTERVAL_S = 1.0
_SETTLE_MS = 400  # a path that is being typed is not yet meant
Load = Callable[[TokenSettings, ProgressCallback, threading.Event], FrameBackend]


class TokenState(StrEnum):
    OFF = "off"  # no checkpoint is named: the blendshapes serve
    IDLE = "idle"  # nothing is to be made now
    LOADING = "loading"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"  # until other settings come


@dataclass(frozen=True)
class _Wish:
    """What the order of the faces depends on, as the curator has it now."""

    settings: RankingSettings
    selected: tuple[Key, ...] = ()
    pinned: tuple[Key, ...] = ()
    blocked: tuple[Key, ...] = ()


@dataclass(frozen=True, eq=False)
class _Found:
    """The analysis with the tokens so far, ranked once already."""

    analysis: Analysis
    ranker: Ranker


@dataclass(frozen=True)
class _Refused:
    """The models cannot be had; the sentence says why."""

    sentence: str
    missing: bool  # the backbone is not on this machine, and might be downloaded


def _load(settings: TokenSettings, progress: ProgressCallback, cancel: threading.Event) -> FrameBackend:
    return load_backend("transformer", settings, progress=progress, cancel=cancel)


class TokenJob(QObject):
    """Fills in the learned tokens of every analysed video, one after another."""

    changed = Signal()  # state or progress
    failed = Signal(str)  # there will be no learned tokens; the sentence says why
    backbone_missing = Signal(str)  # may it be downloaded?

    def __init__(
        self,
        session: Session,
        settings: Callable[[], TokenSettings],
        cache: Callable[[], AnalysisCache] | None = None,
        load: Load = _load,
        parent: QObject | None = None,
    ) -> None:
        """
        Args:
            settings: as the user has them now.
            cache: makes the store of tokens, in the thread that uses it; None: they are not kept.
            load: loads a backend, in the same thread.
        """
        super().__init__(parent)
        self._session, self._settings = session, settings
        self.cache, self.load = cache, load
        self._worker = EngineWorker("tokens", self)
        self._loaded: list[tuple[TokenSettings, FrameBackend]] = []  # at most one; of the worker's thread
        self._seconds: float | None = None  # what a face costs with it
        self._bases: dict[VideoEntry, Analysis] = {}  # without learned tokens
        self._done: set[VideoEntry] = set()
        self._running: VideoEntry | None = None
        self._may_download = False
        self._stopping = self._leaving = False
        self._wish = _Wish(session.settings)
        self._began = 0.0, 0  # when the progress began that the rest is told from, and at what
        self.state = TokenState.OFF
        self.progress: Progress | None = None  # of the video on screen or of a download
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
            signal.connect(self._look)
        session.current_changed.connect(self._turn)
        session.released.connect(self._release)

    @property
    def running(self) -> VideoEntry | None:
        return self._running

    def is_complete(self, entry: VideoEntry) -> bool:
        """Whether all learned tokens that are wanted of this video are there, or cannot be had."""
        return entry in self._done

    @property
    def seconds_left(self) -> float | None:
        """How long what runs will take, once that can be told."""
        if self.progress is None or self.state is not TokenState.RUNNING:
            return None
        began_s, began_done = self._began
        gained, elapsed = self.progress.done - began_done, time.monotonic() - began_s
        return elapsed / gained * (self.progress.total - self.progress.done) if gained > 0 else None

    # What the user does

    def settings_changed(self) -> None:
        """Other settings: everything that they make begins anew, once they rest."""
        self._settle.start()

    def restart(self) -> None:
        """Begin anew with the settings as they are."""
        self._settle.stop()
        self._may_download = False
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._done.clear()
        for entry, base in self._bases.items():
            if entry.analysis is not base and entry.state is VideoState.DONE:
                self._session.set_tokens(entry, base, Ranker(base))
        off = self._settings().expression_transformer_checkpoint is None
        self._set_state(TokenState.OFF if off else TokenState.IDLE)
        if self._running is not None:
            self._stop()  # and goes on from there
        else:
            self._start()

    def allow_download(self) -> None:
        """The user agreed that the backbone is fetched."""
        self._may_download = True
        self._begin_anew()

    def pause(self, on: bool) -> None:
        """Stop computing, or go on where it stopped."""
        if on and self.state in (TokenState.RUNNING, TokenState.LOADING, TokenState.IDLE):
            self._set_state(TokenState.PAUSED)
            self._stop()
        elif not on and self.state is TokenState.PAUSED:
            self._set_state(TokenState.IDLE)
            self._start()

    def take(self, entry: VideoEntry) -> None:
        """The analysis of this video is complete."""
        if entry.analysis is None or any(one.backend != BLENDSHAPES for one in entry.analysis.tokens):
            return
        self._bases[entry] = entry.analysis
        self._done.discard(entry)
        if self._running is entry:
            self._stop()
        self._start()

    def request_end(self) -> None:
        """Stop for good, without another look at the list; what was made is kept."""
        self._leaving = True
        self._stop()

    def _release(self, entry: VideoEntry) -> None:
        """The analysis of this video is not in memory any more; its tokens go on when it is loaded again."""
        self._bases.pop(entry, None)
        self._done.discard(entry)
        if self._running is entry:
            self._stop()

    # What runs

    def _stop(self) -> None:
        self._stopping = True
        self._worker.cancel()

    def _turn(self) -> None:
        """The video on screen goes first."""
        current = self._session.current
        self._look()
        waits = current is not None and current in self._bases and current not in self._done
        if self._running is not None and self._running is not current and waits:
            self._stop()
        else:
            self._start()

    def _look(self) -> None:
        """Take down where the curator looks, for the thread that computes."""
        entry = self._session.current
        if entry is None:
            return
        reviews = entry.reviews.items()
        self._wish = _Wish(
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

        def wish() -> _Wish:
            return self._wish if on_screen else _Wish(self._wish.settings)

        self._worker.start(self._verb(self._bases[entry], settings, wish))

    def _verb(self, base: Analysis, settings: TokenSettings, wish: Callable[[], _Wish]) -> Any:
        def run(report: ProgressCallback, offer: Callable[[Any], None], cancel: threading.Event) -> Any:
            # What looks at frames is imported here and not before: the window does not wait for it.
            from clipgen_engine.expression_tokens.filling import TokenFilling, made_by
            from clipgen_engine.expression_tokens.pacing import choose_pace

            try:
                backend = self._backend(settings, report, cancel)
            except ClipgenError as error:
                return _Refused(str(error), isinstance(error, ModelMissingError))
            pace = choose_pace(backend, base, settings, self._seconds)
            self._seconds = pace.seconds_per_face
            store = self.cache().token_store(made_by(base, backend)) if self.cache else nullcontext()
            with store as opened:
                filling = TokenFilling(base, backend, pace.stride, opened)
                offered_s = 0.0

                def found() -> _Found:
                    analysis = filling.result()
                    ranker = Ranker(analysis)
                    ranker.rank(wish().settings)
                    return _Found(analysis, ranker)

                def progressed(progress: Progress) -> None:
                    nonlocal offered_s
                    report(progress)
                    now = time.monotonic()
                    if now - offered_s >= _OFFER_INTERVAL_S:
                        offer(found())
                        # what a long video's list costs may be a tenth of the time, not more
                        offered_s = time.monotonic() + 9 * (time.monotonic() - now)

                progressed(Progress("tokens", filling.done, filling.total))
                try:
                    filling.run(_Order(base, wish, pace.stride, settings.token_scope), progressed, cancel)
                except Cancelled:
                    if self._leaving:
                        raise
                return found()

        return run

    def _backend(self, settings: TokenSettings, report: ProgressCallback, cancel: threading.Event) -> FrameBackend:
        """The backend that was loaded last, where the settings are the same."""
        wanted = replace(settings, allow_download=True, token_stride=0, token_scope="auto")
        if not self._loaded or self._loaded[0][0] != wanted:
            self._loaded.clear()  # two of them need not fit into memory
            self._seconds = None
            self._loaded.append((wanted, self.load(settings, report, cancel)))
        return self._loaded[0][1]

    # What comes back

    def _report(self, progress: Progress) -> None:
        begins = self.progress is None or self.progress.stage != progress.stage
        if begins:
            self._began = time.monotonic(), progress.done
        self.progress = replace(progress, partial=None)
        if self.state is TokenState.LOADING and progress.stage == "tokens":
            self.state = TokenState.RUNNING
        self.changed.emit()

    def _take(self, found: _Found) -> None:
        if not self._stopping:
            self._show(found)

    def _show(self, found: _Found) -> None:
        entry = self._running
        if entry is None or entry.state is not VideoState.DONE or self.state is TokenState.OFF:
            return
        if found.analysis.tracks is self._bases[entry].tracks:  # else it was analysed again meanwhile
            self._session.set_tokens(entry, found.analysis, found.ranker)

    def _finish(self, result: _Found | _Refused) -> None:
        if self._stopping:
            if isinstance(result, _Found) and self.state is TokenState.PAUSED:
                self._show(result)  # what the list did not show yet
            self._stopped()
        elif isinstance(result, _Refused):
            self._running = None
            self._set_state(TokenState.FAILED)
            (self.backbone_missing if result.missing else self.failed).emit(result.sentence)
        else:
            self._take(result)
            self._give_up()

    def _fail(self, sentence: str) -> None:
        """This video cannot be looked at any more; others can."""
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


class _Order:
    """The faces by their urgency, made anew only when the curator's wish changed."""

    def __init__(self, base: Analysis, wish: Callable[[], _Wish], stride: int, scope: str) -> None:
        self._base, self._wish, self._stride, self._top = base, wish, stride, scope == "top"
        self._ranker = Ranker(base)
        self._made: tuple[_Wish, Int64Array] | None = None

    def __call__(self) -> Int64Array:
        from clipgen_engine.expression_tokens.priorities import rows_by_urgency, rows_of_windows

        wish = self._wish()
        if self._made is None or self._made[0] != wish:
            settings = replace(wish.settings, token_source=BLENDSHAPES)
            ranking = self._ranker.rank(settings, pinned=wish.pinned, blocked=wish.blocked)
            tracks = self._base.tracks
            if self._top:
                keys = [*wish.selected, *(sequence.key for sequence in ranking.sequences)]
                self._made = wish, rows_of_windows(tracks, keys, self._stride)
            else:
                self._made = wish, rows_by_urgency(tracks, ranking, self._stride, wish.selected)
        return self._made[1]
