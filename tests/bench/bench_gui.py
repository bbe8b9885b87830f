"""Latency of the desktop app: startup, dragging of the ranking sliders, explanation.

Run it alone on an idle machine: `python tests/bench/bench_gui.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "resources" / "sample.mp4"
_START = """
import time
began = time.perf_counter()
from clipgen_gui.app import main
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
import clipgen_gui.main_window.window as window_module

class Timed(window_module.MainWindow):
    def paintEvent(self, event):
        super().paintEvent(event)
        if not hasattr(self, "painted"):
            self.painted = True
            print("visible", time.time())
            QTimer.singleShot(0, self.close)

window_module.MainWindow = Timed
main([])
"""


def window_visible_s(runs: int = 3) -> float:
    """Seconds from process start to the first paint of the window, the best of several warm starts."""
    taken = []
    for _ in range(runs + 1):
        began = time.time()
        done = subprocess.run(
            [sys.executable, "-c", _START], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
        )
        painted = next(line for line in done.stdout.splitlines() if line.startswith("visible"))
        taken.append(float(painted.split()[1]) - began)
    return min(taken[1:])


def slider_drag_ms(steps: int = 300) -> dict[str, tuple[float, float]]:
    """Median and 95th percentile of the time from a change until table and curves are repainted, on the sample.

    Keys: the kind of slider, i.e. weight, region or gate.
    """
    import numpy as np
    from PySide6.QtCore import QSettings
    from PySide6.QtWidgets import QApplication

    from clipgen_engine import analyze_video
    from clipgen_engine.ranking.ranker import Ranker
    from clipgen_gui.look.theme import apply_theme
    from clipgen_gui.main_window.window import MainWindow

    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    apply_theme(app)
    analysis = analyze_video(SAMPLE)
    window = MainWindow(QSettings())
    window.resize(1600, 940)
    window.show()
    (entry,) = window.session.open_paths([SAMPLE])
    window.session.set_analysis(entry, analysis, Ranker(analysis), complete=True)
    window.session.selection.select(entry.rows[0].key, seek=False)
    settled = time.monotonic() + 1
    while time.monotonic() < settled:
        app.processEvents()
    ranking = window.parts.ranking.panel
    sliders = (
        ("weight", ranking.weights.sliders["expression_variation"]),
        ("region", ranking.regions.sliders["mouth"]),
        ("gate", ranking.gates.rows["min_position_stability"].slider),
    )
    found = {}
    for page, (name, slider) in zip((0, 2, 1), sliders, strict=True):
        ranking.show_page(page)
        app.processEvents()
        window.session.controls.hold(True)
        taken = []
        for step in range(steps):
            share = 0.3 + 0.6 * (step % 60) / 60
            if slider.value() == round(share * slider.maximum()):
                continue
            began = time.perf_counter()
            slider.setValue(round(share * slider.maximum()))
            while window.session.ranking_pending:
                app.processEvents()
            app.processEvents()
            taken.append((time.perf_counter() - began) * 1000)
        window.session.controls.hold(False)
        half, most = np.percentile(taken[20:], [50, 95])
        found[name] = float(half), float(most)
    window.close()
    return found


def explanation_ms(frames: int = 100_000) -> float:
    """Median time to explain a window of a long video."""
    import numpy as np

    from clipgen_engine.ranking.explanation import explain
    from clipgen_engine.ranking.ranker import Ranker
    from clipgen_engine.settings import RankingSettings
    from tests.support.analyses import make_analysis, random_track

    ranker = Ranker(make_analysis(random_track(np.random.default_rng(1), 0, frames)))
    ranking = ranker.rank(RankingSettings(gates={"face_confidence": 0.0, "max_yaw": 40.0}))
    taken = []
    for start in range(0, frames - 100, frames // 40):
        began = time.perf_counter()
        explain(ranker, ranking, (start, start + 30, 0))
        taken.append((time.perf_counter() - began) * 1000)
    return float(np.median(taken))


def measure() -> dict[str, float]:
    """All results by name."""
    figures = {"window_visible_s": window_visible_s(), "explanation_ms": explanation_ms()}
    for name, (half, most) in slider_drag_ms().items():
        figures |= {f"{name}_drag_p50_ms": half, f"{name}_drag_p95_ms": most}
    return figures


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    for name, value in measure().items():
        print(f"{name} {value:.2f}")
