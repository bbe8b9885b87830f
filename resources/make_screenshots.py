"""Take screenshots of every screen of the app, light and dark, at two window sizes, into build/screenshots/.

Run with `make screenshot`. The screenshot in the README is copied from there manually, after reviewing all of them.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PySide6.QtCore import QElapsedTimer, QPoint, QSettings, QSize
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.projects.goals import Goal, set_goals
from clipgen_engine.projects.records import REASONS, WindowReview
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Decision, Sequence
from clipgen_gui.document.entry import VideoState
from clipgen_gui.document.preferences import PAGES
from clipgen_gui.look.theme import apply_theme, theme
from clipgen_gui.main_window.window import MainWindow

SAMPLE = Path(__file__).with_name("sample.mp4")
SIZES = (QSize(1280, 800), QSize(1920, 1080))
SCHEMES = ("dark", "light")
_ANALYSIS_MS, _SETTLE_MS = 600_000, 250

Screen = Callable[[], object]


def main() -> None:
    """Analyse the videos, then take screenshots of all screens."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", nargs="*", type=Path, default=[SAMPLE])
    parser.add_argument("--into", type=Path, default=Path("build/screenshots"))
    parser.add_argument("--only", default="", help="only screens whose name contains this text")
    parser.add_argument("--text", type=int, default=100, help="text size in percent")
    options = parser.parse_args()
    options.into.mkdir(parents=True, exist_ok=True)
    app = QApplication([])
    apply_theme(app)
    with tempfile.TemporaryDirectory() as folder:
        _picture_all(app, options, Path(folder))


def _picture_all(app: QApplication, options: argparse.Namespace, folder: Path) -> None:
    empty = MainWindow(QSettings(str(folder / "empty.ini"), QSettings.Format.IniFormat))
    _pictures(app, empty, {"first-run": lambda: None, "keys": lambda: empty.parts.shortcuts.show()}, options)
    empty.parts.shortcuts.close()
    empty.close()

    _picture_dashboard(app, options, folder)
    settings = QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)
    settings.setValue("first_run/steps_seen", True)
    broken = folder / "interrupted copy.mp4"
    broken.write_bytes(options.videos[0].read_bytes()[:20_000])
    window = MainWindow(settings, cache=lambda: AnalysisCache(folder / "cache"))
    window.show()
    window.open_paths([*options.videos, broken])
    done = (VideoState.DONE, VideoState.FAILED)
    _wait(app, lambda: all(entry.state in done for entry in window.session.videos), _ANALYSIS_MS)
    _review(app, window)
    _pictures(app, window, dict(_screens(app, window)), options)
    window.close()


def _picture_dashboard(app: QApplication, options: argparse.Namespace, folder: Path) -> None:
    """Picture a project of several weeks, whose videos need not exist."""
    if options.only not in "dashboard":
        return
    project = Project(folder / "study.clipgen")
    _fill(project)
    settings = QSettings(str(folder / "dashboard.ini"), QSettings.Format.IniFormat)
    settings.setValue("first_run/steps_seen", True)
    for split in ("validation_share", "test_share"):
        settings.setValue(f"dataset/{split}", 0.25)
    window = MainWindow(settings, project)
    _pictures(app, window, {"dashboard": lambda: window.show_dashboard(True)}, options)
    window.close()


def _fill(project: Project) -> None:
    """Forty videos of three subjects, 600 decisions of two curators, and goals."""
    chance, subjects, curators = random.Random(1), ("Anna", "Ben", "Chiara"), ("mara", "jonas")
    at = datetime(2026, 3, 2, 8, tzinfo=UTC)
    for number in range(40):
        video_id = project.add_video(Path(f"/videos/take {number + 1:02d}.mp4"), f"{number:064x}").video_id
        if number >= 30:
            project.describe_video(video_id, state="failed" if number % 5 == 0 else "waiting")
            continue
        project.describe_video(
            video_id, state="done", duration_s=60.0, frame_count=1800, window_count=chance.randint(20, 30), analysis="-"
        )
        project.set_subject(video_id, 1, subjects[number % 3])
        at += timedelta(hours=chance.uniform(3, 12))
        reviews = {}
        for place in range(20):
            score = min(1.0, max(0.0, chance.gauss(0.5, 0.17)))
            sequence = Sequence(0, 60 * place, 60 * place + 45, 1 if chance.random() < 0.9 else 2, {}, score)
            at += timedelta(seconds=chance.uniform(2, 9))
            accepted = chance.random() < score
            reviews[sequence.key] = WindowReview(
                sequence,
                Decision.ACCEPTED if accepted else Decision.REJECTED,
                tags=(chance.choice(("smile", "surprise", "frown", "speech", "eyes closed")),) if accepted else (),
                decided_at=at.isoformat(timespec="milliseconds"),
                decided_by=curators[number % 3 == 0],
                reason="" if accepted else chance.choice(("", *REASONS)),
            )
        project.save_reviews(video_id, reviews)
    set_goals(
        project,
        [
            Goal("total", None, "clips", 300),
            Goal("subject", None, "seconds", 120),
            Goal("tag", "smile", "clips", 80),
        ],
    )


def _review(app: QApplication, window: MainWindow) -> None:
    """Decide on some windows, then select the best one."""
    session = window.session
    session.set_current(session.videos[0])
    entry = session.videos[0]
    for decision in (Decision.ACCEPTED, Decision.ACCEPTED, Decision.REJECTED, Decision.ACCEPTED):
        session.selection.select(next(row.key for row in entry.rows if row.decision is Decision.UNDECIDED))
        session.decisions.decide(decision)
    best = entry.rows[0].sequence
    session.selection.select(best.key)
    window.parts.player.playback.pause()
    frame = (best.start_frame + best.stop_frame) // 2
    session.selection.seek(frame)
    _wait(app, lambda: window.parts.player.view.shown_frame == frame, 5000)
    window.parts.messages.dismiss_all()
    window.parts.status.show_temporary("", 1)


def _screens(app: QApplication, window: MainWindow) -> Iterator[tuple[str, Screen]]:
    yield "review", lambda: window.parts.ranking.panel.show_page(0)
    yield "gates", lambda: window.parts.ranking.panel.show_page(1)
    yield "regions", lambda: window.parts.ranking.panel.show_page(2)
    yield "film-strip", lambda: (window.parts.ranking.panel.show_page(0), window.parts.review.panel.show_strip(True))

    def sheet() -> None:
        window.parts.review.panel.show_strip(False)
        window.show_sheet(True)
        _wait(app, lambda: False, 4000)  # for its pictures to load

    yield "contact-sheet", sheet
    for page in [*(page.name for page in PAGES), "shortcuts"]:

        def settings(name: str = page) -> None:
            window.show_sheet(False)
            window.parts.settings.show(name)

        yield f"settings-{page}", settings

    def search() -> None:
        window.parts.settings.window.search.setText("size")

    yield "settings-search", search

    def export() -> None:
        for dialog in _dialogs(window):
            dialog.close()
        window.actions_by_name["export"].trigger()
        _wait(app, lambda: False, 1500)  # for the preview

    yield "export", export

    def error() -> None:
        for dialog in _dialogs(window):
            dialog.close()
        session = window.session
        session.set_current(session.videos[-1])
        window.parts.messages.show_message(session.videos[-1].message, "error")
        details = window.parts.messages.bars[0].details
        assert details is not None
        details.click()

    yield "error", error


def _pictures(app: QApplication, window: MainWindow, screens: dict[str, Screen], options: argparse.Namespace) -> None:
    """Take every screen in all window sizes and colour schemes."""
    window.show()
    for name, prepare in screens.items():
        if options.only not in name:
            prepare()
            continue
        for size in SIZES:
            window.resize(size)
            prepare()
            for scheme in SCHEMES:
                theme.apply(scheme, options.text / 100)
                _wait(app, lambda: False, _SETTLE_MS)
                target = options.into / f"{name}-{scheme}-{size.width()}x{size.height()}.png"
                if window.size() != size:
                    print(f"{target.name}: the window cannot be smaller than {window.width()}x{window.height()}")
                _taken(window).save(str(target))


def _taken(window: MainWindow) -> QPixmap:
    """Screenshot of the window and the dialogs on top of it."""
    picture = window.grab()
    painter = QPainter(picture)
    for dialog in _dialogs(window):
        painter.drawPixmap(dialog.mapToGlobal(QPoint()) - window.mapToGlobal(QPoint()), dialog.grab())
    painter.end()
    return picture


def _dialogs(window: MainWindow) -> list[QWidget]:
    return [one for one in QApplication.topLevelWidgets() if one.isWindow() and one is not window and one.isVisible()]


def _wait(app: QApplication, condition: Callable[[], bool], timeout_ms: int) -> None:
    timer = QElapsedTimer()
    timer.start()
    while not condition() and timer.elapsed() < timeout_ms:
        app.processEvents()


if __name__ == "__main__":
    main()
