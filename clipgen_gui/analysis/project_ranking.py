"""Ranks the windows of all videos in a thread, from stored analyses, while they are listed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from clipgen_engine.errors import Cancelled, ClipgenError, StoredAnalysisError
from clipgen_engine.projects.ranker import DecidedWindows, ProjectRanker, RankedWindows
from clipgen_engine.projects.stacks import Stacker
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Analysis, Decision, Int64Array
from clipgen_gui.document.entry import VideoEntry, VideoState
from clipgen_gui.document.selection import Scope
from clipgen_gui.document.session import Session
from clipgen_gui.support.jobs import CacheFactory
from clipgen_gui.support.request_thread import RequestThread

_log = logging.getLogger(__name__)
_FIRST_BATCH = 8  # videos; each further batch is twice as large, as ranking costs little against loading
_LARGEST_BATCH = 256
_NOTHING = DecidedWindows()
_SHOWN = 12  # windows that are described in the thread, so that the list need not wait for them


@dataclass(frozen=True, eq=False)
class Source:
    """Where the analysis of a video is."""

    path: Path
    name: str  # of the stored analysis
    analysis: Analysis | None  # a draft in memory

    def same(self, other: Source | None) -> bool:
        """Whether both lead to the same analysis."""
        mine = self.path, self.name, self.analysis
        return other is not None and mine == (other.path, other.name, other.analysis)


@dataclass(frozen=True, eq=False)
class _Request:
    """What is to be ranked, by the ids of the videos."""

    settings: RankingSettings
    sources: Mapping[int, Source]
    decided: Mapping[int, DecidedWindows]
    stacking: bool = False  # whether similar windows are stacked


@dataclass(eq=False)
class _Loaded:
    """What the thread has in memory."""

    ranker: ProjectRanker = field(default_factory=ProjectRanker)
    stacker: Stacker = field(default_factory=Stacker)
    sources: dict[int, Source] = field(default_factory=dict)  # also of videos whose analysis cannot be read
    batch: int = _FIRST_BATCH


class RankingThread(RequestThread):
    """Ranks again whenever the request changes, and as further analyses are loaded."""

    ranked = Signal(object, bool)  # RankedWindows, whether it answers the last request with all analyses loaded
    stacked = Signal(object, object)  # RankedWindows that have been emitted before, (N,) int64 tops of their stacks

    def __init__(self, cache: CacheFactory | None, parent: QObject | None = None) -> None:
        super().__init__("ranking of the project", parent)
        self._cache_factory = cache
        self._request: _Request | None = None
        self._changed = False  # since the last ranking
        self._outdated = threading.Event()  # the request changed, or the thread ends

    def request(self, request: _Request | None) -> None:
        """Rank this from now on; None: forget everything."""
        with self._update_requests():
            self._request, self._changed = request, True
            self._outdated.set()

    def request_end(self) -> None:
        self._outdated.set()
        super().request_end()

    # In the thread

    def run(self) -> None:
        """Serve requests until the thread is asked to end."""
        loaded = _Loaded()
        while True:
            with self._wake:
                self._wake.wait_for(partial(self._has_work, loaded))
                if self._ending:
                    return
                request, changed, self._changed = self._request, self._changed, False
                self._outdated.clear()
            try:
                if request is None:
                    loaded = _Loaded()
                    continue
                self._forget(loaded, request)
                if not changed or not loaded.ranker.videos:
                    self._load(loaded, request)
                self._rank(loaded, request)
            except Exception:
                _log.exception("ranking the project failed")  # a bug must not end the thread

    def _has_work(self, loaded: _Loaded) -> bool:
        return self._ending or self._changed or self._missing(loaded)

    def _missing(self, loaded: _Loaded) -> bool:
        request = self._request
        return request is not None and any(video not in loaded.sources for video in request.sources)

    def _forget(self, loaded: _Loaded, request: _Request) -> None:
        gone = [video for video, source in loaded.sources.items() if not source.same(request.sources.get(video))]
        loaded.ranker.remove(gone)
        for video in gone:
            del loaded.sources[video]

    def _load(self, loaded: _Loaded, request: _Request) -> None:
        """Load another batch, shorter if the request changes meanwhile."""
        found: dict[int, Analysis] = {}
        for video, source in request.sources.items():
            if video in loaded.sources:
                continue
            if len(found) >= loaded.batch or self._ending or (found and self._changed):
                break
            loaded.sources[video] = source
            analysis = source.analysis or self._stored(source)
            if analysis is not None:
                found[video] = analysis
        if found:
            loaded.ranker.add(found)
        loaded.batch = min(2 * loaded.batch, _LARGEST_BATCH)

    def _stored(self, source: Source) -> Analysis | None:
        if self._cache_factory is None:
            return None
        try:
            return self._cache_factory().open(source.name, source.path)
        except StoredAnalysisError as error:
            _log.warning("%s is left out of the project's ranking: %s", source.path.name, error)
            return None

    def _rank(self, loaded: _Loaded, request: _Request) -> None:
        try:
            ranked = loaded.ranker.rank(request.settings, request.decided, list(request.sources))
        except ClipgenError as error:  # settings of another version
            _log.warning("the project cannot be ranked: %s", error)
            return
        for place in range(min(_SHOWN, len(ranked))):
            ranked.describe(place)
        _ = ranked.places  # made here, so that the list need not wait for it
        with self._wake:
            complete = not self._changed and not self._missing(loaded)
        self.ranked.emit(ranked, complete)  # even if the request has changed: a list that is dragged at keeps moving
        if request.stacking and complete:
            self._stack(loaded, ranked)

    def _stack(self, loaded: _Loaded, ranked: RankedWindows) -> None:
        """Stack the listed windows, unless another request comes first."""
        try:
            self.stacked.emit(ranked, loaded.stacker.stacks(ranked, self._outdated))
        except Cancelled:
            return


class ProjectRanking(QObject):
    """Asks the thread for what the session shows in the scope of the project, and passes its answers on."""

    def __init__(self, session: Session, cache: CacheFactory | None = None, parent: QObject | None = None) -> None:
        """
        Args:
            cache: creates the analysis cache in the thread that uses it; None: only drafts in memory are ranked.
        """
        super().__init__(parent)
        self._session = session
        self.thread_ = RankingThread(cache, self)
        self.complete = False  # whether the last request is answered with every analysis
        self._numbers: dict[VideoEntry, int] = {}  # ids of the videos in the ranking
        self._sources: dict[int, Source] = {}
        self._decided: dict[int, DecidedWindows] = {}
        self._known = False  # whether the sources and decisions of all listed videos are held
        self._timer = QTimer(self)  # coalesces the changes of one turn of the event loop
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._ask)
        self.thread_.ranked.connect(self._take)
        self.thread_.stacked.connect(self._take_stacks)
        session.project_changed.connect(self._start_over)
        session.videos_changed.connect(self._forget)
        session.video_changed.connect(self._note)
        for changed in (session.selection.scope_changed, session.controls.changed):
            changed.connect(self._timer.start)
        session.selection.stacking_changed.connect(self._on_stacking_changed)

    def _start_over(self) -> None:
        self._numbers = {}
        self.complete = False
        self.thread_.request(None)
        self._forget()

    def _forget(self) -> None:
        """Look at all videos anew."""
        self._known = False
        self._timer.start()

    def _note(self, entry: VideoEntry) -> None:
        """Rank again if this video has another analysis or other decisions; progress alone changes nothing."""
        if self._known and self._update(entry):
            self._timer.start()

    def _ask(self) -> None:
        session = self._session
        if session.selection.scope is not Scope.PROJECT:
            return
        if not self._known:
            session.storage.load_reviews(session.videos)
            self._sources, self._decided = {}, {}
            for entry in session.videos:
                self._update(entry)
            self._known = True
        stacking = session.selection.stacking
        request = _Request(session.settings, dict(self._sources), dict(self._decided), stacking)
        self.complete = False
        self.thread_.request(request)

    def _update(self, entry: VideoEntry) -> bool:
        """Hold where the analysis of a video is and what was decided on it; return whether that changed."""
        number = self._numbers.setdefault(entry, len(self._numbers))
        source, decided = _source(entry), _decisions(entry)
        known = self._sources.get(number)
        same = source is None if known is None else known.same(source)
        if same and self._decided.get(number, _NOTHING) == decided:
            return False
        for held, value in ((self._sources, source), (self._decided, decided if entry.reviews else None)):
            if value is None:
                held.pop(number, None)
            else:
                held[number] = value  # type: ignore[assignment]
        return True

    def _take(self, ranked: RankedWindows, complete: bool) -> None:
        self.complete = complete
        listed = set(self._session.videos)
        entries = {number: entry for entry, number in self._numbers.items() if entry in listed}
        self._session.project_windows.take(ranked, entries)

    def _take_stacks(self, ranked: RankedWindows, top: Int64Array) -> None:
        if self._session.selection.stacking:
            self._session.project_windows.take_stacks(ranked, top)

    def _on_stacking_changed(self) -> None:
        if self._session.selection.stacking:
            self._timer.start()
        elif self._session.project_windows.ranked is not None:
            self._session.project_windows.take_stacks(self._session.project_windows.ranked, None)


def _decisions(entry: VideoEntry) -> DecidedWindows:
    reviews = entry.reviews.items()
    return DecidedWindows(
        tuple(key for key, review in reviews if review.pinned),
        tuple(key for key, review in reviews if review.decision is Decision.REJECTED),
    )


def _source(entry: VideoEntry) -> Source | None:
    """Where the analysis of a video is; None if it has none that covers the whole video."""
    if entry.is_draft:
        return Source(entry.path, "", entry.analysis)
    if entry.analysis_name and entry.state is not VideoState.MISSING:
        return Source(entry.path, entry.analysis_name, None)
    return None
