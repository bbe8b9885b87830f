"""The status bar: running job with progress and remaining time, and the format of the current video."""

from __future__ import annotations

import time
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar, QToolButton, QWidget

from clipgen_engine.types import Progress, VideoInfo
from clipgen_gui.support.formatting import counted, remaining
from clipgen_gui.widgets.cards import named
from clipgen_gui.widgets.labels import ElidedLabel

_CODECS = {"h264": "H.264", "hevc": "H.265", "vp9": "VP9", "av1": "AV1", "mpeg4": "MPEG-4", "prores": "ProRes"}
_ESTIMATE_AFTER_S = 1.0


@dataclass(frozen=True)
class QueueEstimate:
    """Work queued behind the shown job."""

    count: int
    noun: str
    share: float  # its work relative to the whole running job


class StatusBar(QStatusBar):
    """Shows one job at a time; a running export takes precedence over an analysis."""

    _MARGIN = 12

    def __init__(self, cancel: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self._task = ElidedLabel()
        named(self._task, "Current task")
        self._bar = QProgressBar()
        self._bar.setFixedSize(160, 5)
        self._bar.setTextVisible(False)
        named(self._bar, "Progress")
        self._cancel = QToolButton()
        self._cancel.setDefaultAction(cancel)
        self._cancel.setAccessibleName(cancel.text())
        self._video = QLabel()
        named(self._video, "Video format")
        self.addWidget(self._task)
        self.addWidget(self._bar)
        self.addWidget(self._cancel)
        self.addPermanentWidget(self._video)
        self._first: QWidget | None = None
        self.temporary_text = ""  # the last temporary message
        self._expiry = QTimer(self)
        self._expiry.setSingleShot(True)
        self._expiry.timeout.connect(self._expire)
        self._title = ""
        self._began_s = 0.0
        self._began_done = 0
        self.show_idle()

    def place_first(self, widget: QWidget) -> None:
        """Add a widget that takes the place of the current task while it is visible."""
        self._first = widget
        self.insertWidget(0, widget, 1)
        widget.hide()
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Make room for the first widget."""
        if event.type() in (QEvent.Type.ShowToParent, QEvent.Type.HideToParent):
            shown = event.type() is QEvent.Type.ShowToParent
            if shown:
                self.clearMessage()
            self._task.setVisible(not shown)
            if not shown and self._expiry.isActive():
                self._fit()
        return super().eventFilter(watched, event)

    def show_temporary(self, text: str, duration_ms: int) -> None:
        """Show a message for a while, elided to the available width. The tooltip has the full text."""
        self.temporary_text = text
        self.setToolTip(text)
        self._expiry.start(duration_ms)
        self._fit()

    def _fit(self) -> None:
        if self._first is not None and not self._first.isHidden():
            return  # which the message would hide
        available = self.width() - self._video.sizeHint().width() - 2 * self._MARGIN
        self.showMessage(self.fontMetrics().elidedText(self.temporary_text, Qt.TextElideMode.ElideRight, available))

    def _expire(self) -> None:
        self.setToolTip("")
        self.clearMessage()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._expiry.isActive():
            self._fit()

    @property
    def text(self) -> str:
        return self._task.text()

    def show_idle(self) -> None:
        self._title = ""
        self._task.setText("Ready")
        self._bar.hide()
        self._cancel.hide()

    def show_progress(
        self, title: str, unit: str, progress: Progress | None, after: QueueEstimate | None = None
    ) -> None:
        """Show progress: `Analysing x.mp4 — 105 / 169 frames · 3 s left, then 9 more videos: 4 min left`

        Args:
            after: work queued behind this job.
        """
        now = time.monotonic()
        done, total = (progress.done, progress.total) if progress else (0, 0)
        if title != self._title or done < self._began_done:
            self._title, self._began_s, self._began_done = title, now, done
        text = title
        if total:
            text += f" — {done} / {total} {unit}"
            elapsed, gained = now - self._began_s, done - self._began_done
            if gained > 0 and elapsed > _ESTIMATE_AFTER_S and done < total:
                s_per_unit, left = elapsed / gained, total - done
                text += f" · {remaining(s_per_unit * left)}"
                if after is not None and after.count:
                    total_left = remaining(s_per_unit * (left + after.share * total))
                    text += f", then {counted(after.count, after.noun)}: {total_left}"
        self._task.setText(text)
        self._bar.setRange(0, max(total, 1))
        self._bar.setValue(done)
        self._bar.show()
        self._cancel.show()

    def show_video(self, info: VideoInfo | None) -> None:
        """Show the video format: `640×360 · 23.976 fps · H.264`."""
        if info is None:
            self._video.clear()
            return
        rate = f"{float(info.average_rate):.3f}".rstrip("0").rstrip(".")
        codec = _CODECS.get(info.codec, info.codec)
        self._video.setText(f"{info.width_px}×{info.height_px} · {rate} fps · {codec}")
