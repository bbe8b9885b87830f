"""How fast the desktop app is: the window's start, and a weight drag repainted.

Run it alone on a quiet machine: `python tests/bench/bench_gui.py`.
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
import clipgen_gui.main_window as window_module

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
    """Seconds from starting the process to the window's first painting, the best of a few warm starts."""
    taken = []
    for _ in range(runs + 1):
        began = time.time()
        done = subprocess.run(
            [sys.executable, "-c", _START], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
        )
        painted = next(line for line in done.stdout.splitlines() if line.startswith("visible"))
        taken.append(float(painted.split()[1]) - began)
    return min(taken[1:])


def slider_drag_ms(steps: int = 300) -> tuple[float, float]:
    """Median and 95th percentile of the time from a weight's change to table and curves repainted, on the sample."""
    import numpy as np
    from PySide6.QtCore import QSettings
    from PySide6.QtWidgets import QApplication

    from clipgen_engine import analyze_video
    from clipgen_engine.ranking import Ranker
    from clipgen_gui.main_window import MainWindow
    from clipgen_gui.theme import apply_theme

    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    apply_theme(app)
    analysis = analyze_video(SAMPLE)
    window = MainWindow(QSettings())
    window.resize(1600, 940)
    window.show()
    (entry,) = window.session.open_paths([SAMPLE])
    window.session.set_analysis(entry, analysis, Ranker(analysis), complete=True)
    window.session.select(entry.rows[0].key, seek=False)
    settled = time.monotonic() + 1
    while time.monotonic() < settled:
        app.processEvents()
    slider = window.weights.sliders["expression_variation"]
    taken = []
    for step in range(steps):
        began = time.perf_counter()
        slider.setValue(30 + step % 60)
        while window.session._rank_timer.isActive():
            app.processEvents()
        app.processEvents()
        taken.append((time.perf_counter() - began) * 1000)
    window.close()
    half, most = np.percentile(taken[20:], [50, 95])
    return float(half), float(most)


def measure() -> dict[str, float]:
    """All figures by name."""
    half, most = slider_drag_ms()
    return {
        "window_visible_s": window_visible_s(),
        "slider_drag_p50_ms": half,
        "slider_drag_p95_ms": most,
    }


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    for name, value in measure().items():
        print(f"{name} {value:.2f}")
