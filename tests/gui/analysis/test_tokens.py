"""Learned tokens in the window: ranking source, priorities, pausing, and unusable models."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.errors import ModelFileError, ModelMissingError
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.types import Analysis, Progress
from clipgen_engine.video.index import probe
from clipgen_gui.analysis.token_job import TokenState
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.main_window.window import MainWindow
from tests.support.analyses import FakeTrack, make_analysis
from tests.support.gui import open_analysed
from tests.support.tokens import FrameTokens, turning
from tests.support.videos import write_coded_video

COUNT = 200
CHECKPOINT = Path("somewhere") / "c.pt"


@pytest.fixture(scope="module")
def coded_analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """A coded video with an expressive face around frame 50 and, slightly less, around frame 150."""
    path = write_coded_video(tmp_path_factory.mktemp("coded") / "coded.mp4", COUNT)
    frames = np.arange(COUNT)
    tokens = np.zeros((COUNT, 51), np.float32)
    height = 0.9 * np.exp(-(((frames - 50) / 8) ** 2)) + 0.6 * np.exp(-(((frames - 150) / 8) ** 2))
    tokens[:, 20] = height * (0.5 + 0.5 * np.sin(frames))
    return replace(make_analysis(FakeTrack(0, tokens, np.full((COUNT, 2), 50, np.float32))), video=probe(path))


def second_moment_is_stronger(frame: int) -> Any:
    return turning(frame * (0.2 if frame < 100 else 3.0))


@pytest.fixture
def backend(window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FrameTokens]:
    """A fast fake backend that is reported as slow."""
    import clipgen_engine.expression_tokens.pacing as module

    made = FrameTokens(second_moment_is_stronger, batch_size=2)
    monkeypatch.setattr(module, "seconds_per_face", lambda backend: 2.0)
    window.parts.analysis.tokens.load = lambda settings, progress, cancel: made
    window.parts.analysis.tokens.cache = lambda: AnalysisCache(tmp_path / "cache")
    yield made
    made.leave.set()


@pytest.fixture
def entry(window: MainWindow, qtbot: QtBot, coded_analysis: Analysis) -> VideoEntry:
    """The analysed coded video, open in the window."""
    window.session.controls.set_setting("num_sequences", 2)
    opened = open_analysed(window, qtbot, coded_analysis.video.path, coded_analysis)
    window.parts.analysis.queue.analysed.emit(opened)
    return opened


def use_checkpoint(window: MainWindow) -> None:
    window.preferences.set_value("tokens", "expression_transformer_checkpoint", CHECKPOINT)
    window.parts.analysis.tokens.restart()  # skip the debounce of the settings


def until(qtbot: QtBot, holds: Callable[[], bool]) -> None:
    qtbot.waitUntil(holds, timeout=10_000)


def test_list_is_ranked_by_blendshapes_without_a_checkpoint(window: MainWindow, entry: VideoEntry) -> None:
    bar = window.parts.analysis.token_bar
    assert window.parts.analysis.tokens.state is TokenState.OFF
    assert bar.label.text() == "Ranked by blendshapes"
    assert not bar.pause.isVisible()
    assert window.parts.review.panel.model.difference_column is None
    bar.choose.click()
    assert window.parts.settings.window.isVisible()
    assert window.parts.settings.window.page("tokens").isVisible()
    window.parts.settings.window.close()


def test_learned_tokens_rank_the_list_and_can_be_switched_off(
    window: MainWindow, qtbot: QtBot, backend: FrameTokens, entry: VideoEntry
) -> None:
    bar, model = window.parts.analysis.token_bar, window.parts.review.panel.model
    before = [row.key for row in entry.rows]
    best_first = before[0][0]
    assert abs(best_first + 15 - 50) < 12
    use_checkpoint(window)
    until(qtbot, lambda: window.parts.analysis.tokens.is_complete(entry))
    assert window.parts.analysis.tokens.state is TokenState.IDLE
    assert bar.sources["learned"].isChecked()
    assert {row.sequence.scored_by for row in entry.rows} == {"transformer"}
    assert entry.rows[0].key[0] >= 90
    assert entry.analysis is not None
    assert entry.analysis.tokens[0].interpolated is not None
    assert set(backend.seen) == {*range(0, COUNT, 4), COUNT - 1}
    assert model.difference_column == 5
    cell = model.index(0, 5)
    assert model.data(cell).startswith(("+", "-"))
    assert "by learned tokens" in model.data(cell, Qt.ItemDataRole.ToolTipRole)
    qtbot.mouseClick(bar.sources["blendshapes"], Qt.MouseButton.LeftButton)
    until(qtbot, lambda: [row.key for row in entry.rows] == before)
    assert window.session.undo_stack.undoText() == "Change Tokens"
    window.session.undo_stack.undo()
    until(qtbot, lambda: entry.rows[0].key[0] >= 90)
    qtbot.keyClick(window, Qt.Key.Key_E)
    until(qtbot, lambda: [row.key for row in entry.rows] == before)
    window.preferences.set_value("tokens", "expression_transformer_checkpoint", None)
    window.parts.analysis.tokens.restart()
    assert window.parts.analysis.tokens.state is TokenState.OFF
    assert entry.analysis.tokens[0].backend == "blendshapes"
    assert model.difference_column is None


def test_known_windows_are_ranked_first_and_selected_ones_computed_next(
    window: MainWindow, qtbot: QtBot, backend: FrameTokens, entry: VideoEntry
) -> None:
    backend.leave.clear()
    window.session.selection.select(entry.rows[1].key, seek=False)
    start, stop, _ = entry.rows[1].key
    use_checkpoint(window)
    until(qtbot, lambda: window.parts.analysis.tokens.state is TokenState.RUNNING)
    backend.steps = 6
    backend.leave.set()
    until(qtbot, lambda: len(backend.seen) >= 12 and not backend.leave.is_set())
    assert all(start - 4 < frame < stop + 4 for frame in backend.seen[:8])
    window.parts.analysis.tokens.pause(True)
    backend.leave.set()
    until(qtbot, lambda: window.parts.analysis.tokens.running is None)
    assert window.parts.analysis.tokens.state is TokenState.PAUSED
    assert "paused at" in window.parts.analysis.token_bar.text.text()
    assert abs(entry.rows[0].key[0] - start) < 4  # the list reflects all tokens computed so far
    assert entry.rows[0].sequence.scored_by == "transformer"
    count = len(backend.seen)
    qtbot.wait(100)
    assert len(backend.seen) == count
    qtbot.mouseClick(window.parts.analysis.token_bar.pause, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: window.parts.analysis.tokens.is_complete(entry))
    assert len(backend.seen) == len(set(backend.seen))  # stored tokens are not recomputed


def test_pending_windows_are_distinguished_from_known_ones(
    window: MainWindow, qtbot: QtBot, backend: FrameTokens, entry: VideoEntry
) -> None:
    from clipgen_engine.expression_tokens.filling import TokenFilling
    from clipgen_engine.expression_tokens.priorities import rows_of_windows

    second = entry.rows[1].key
    assert entry.analysis is not None
    filling = TokenFilling(entry.analysis, backend)
    filling.run(lambda: rows_of_windows(entry.analysis.tracks, [second], 1))  # type: ignore[union-attr]
    analysis = filling.result()
    window.session.set_tokens(entry, analysis, Ranker(analysis))
    model = window.parts.review.panel.model
    assert [model.is_pending(row) for row in model.rows] == [False, True]
    assert model.rows[0].key == second
    assert "learned tokens are pending" in model.data(model.index(1, 0), Qt.ItemDataRole.ToolTipRole)
    assert model.data(model.index(1, 5)) == "…"
    window.parts.review.panel.view.viewport().grab()
    window.parts.plot.legend.toggle("blendshape_variation")
    window.parts.plot.legend.toggle("learned_variation")
    drawn = {line.kind.name: line for line in window.parts.plot.terms.lines}
    known = np.isfinite(drawn["learned_variation"].values)
    assert known.sum() == 1
    assert np.isfinite(drawn["blendshape_variation"].values).all()


def test_list_sorts_by_disagreement(window: MainWindow, qtbot: QtBot, backend: FrameTokens, entry: VideoEntry) -> None:
    window.session.controls.set_setting("num_sequences", 6)
    use_checkpoint(window)
    until(qtbot, lambda: window.parts.analysis.tokens.is_complete(entry))
    window.session.rank_now()
    model, header = window.parts.review.panel.model, window.parts.review.panel.view.horizontalHeader()
    by_score = [row.key for row in model.rows]
    place = header.sectionViewportPosition(5) + 10
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place, 8))
    sizes = [abs(row.sequence.variations.disagreement) for row in model.rows if row.sequence.variations]
    assert len(sizes) == len(by_score) > 2
    assert sizes == sorted(sizes, reverse=True)
    assert header.isSortIndicatorShown()
    window.session.selection.select(model.rows[0].key)
    for row in model.rows[1:]:
        qtbot.keyClick(window, Qt.Key.Key_Down)
        assert entry.selected == row.key
    qtbot.keyClick(window, Qt.Key.Key_D)
    assert [row.key for row in model.rows] == by_score


def test_unusable_checkpoint_offers_blendshapes(window: MainWindow, qtbot: QtBot, entry: VideoEntry) -> None:
    def refuse(settings: Any, progress: Any, cancel: Any) -> Any:
        raise ModelFileError("c.pt lacks the key 'x' (expected shape (1,))", "Choose another checkpoint")

    window.parts.analysis.tokens.load = refuse
    use_checkpoint(window)
    until(qtbot, lambda: window.parts.analysis.tokens.state is TokenState.FAILED)
    assert window.parts.messages.texts == ["c.pt lacks the key 'x' (expected shape (1,)). Choose another checkpoint."]
    assert {row.sequence.scored_by for row in entry.rows} == {"blendshapes"}
    (button,) = [
        one for one in window.parts.messages.findChildren(type(window.parts.toolbar.export_button)) if one.text()
    ]
    assert button.text() == "Use blendshapes"
    button.click()
    assert window.preferences.tokens.expression_transformer_checkpoint is None
    until(qtbot, lambda: window.parts.analysis.tokens.state is TokenState.OFF)


def test_backbone_is_downloaded_only_with_consent(
    window: MainWindow, qtbot: QtBot, backend: FrameTokens, entry: VideoEntry
) -> None:
    asked: list[bool] = []
    shown, resume = threading.Event(), threading.Event()

    def load(settings: Any, progress: Any, cancel: Any) -> Any:
        asked.append(settings.allow_download)
        if not settings.allow_download:
            raise ModelMissingError("The DINOv2 backbone is not on this machine", "Specify it")
        progress(Progress("download", 30_000_000, 88_000_000))
        shown.set()
        resume.wait(10)
        return backend

    window.parts.analysis.tokens.load = load
    use_checkpoint(window)
    until(qtbot, lambda: window.parts.analysis.token_flow.question is not None)
    question = window.parts.analysis.token_flow.question
    assert question is not None
    assert asked == [False]
    buttons = {button.text(): button for button in question.buttons()}
    assert "huggingface.co" in question.informativeText()
    buttons["Download"].click()
    until(qtbot, lambda: shown.is_set() and window.parts.analysis.token_bar.bar.isVisible())
    until(qtbot, lambda: window.parts.analysis.token_bar.text.text() == "DINOv2: 30 of 88 MB")
    assert window.parts.analysis.token_bar.bar.value() == 30_000_000
    resume.set()
    until(qtbot, lambda: window.parts.analysis.tokens.is_complete(entry))
    assert asked == [False, True]


def test_current_video_is_computed_first(
    window: MainWindow, qtbot: QtBot, backend: FrameTokens, entry: VideoEntry, short_video: Path, short_analysis: Any
) -> None:
    backend.leave.clear()
    use_checkpoint(window)
    until(qtbot, lambda: window.parts.analysis.tokens.state is TokenState.RUNNING)
    other = open_analysed(window, qtbot, short_video, short_analysis)
    window.parts.analysis.queue.analysed.emit(other)
    backend.leave.set()
    until(qtbot, lambda: window.parts.analysis.tokens.is_complete(other))
    until(qtbot, lambda: window.parts.analysis.tokens.is_complete(entry))
    assert other.analysis is not None
    assert other.analysis.tokens[0].backend == "transformer"
