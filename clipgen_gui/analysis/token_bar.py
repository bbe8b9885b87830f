"""Bar below the window list: the tokens it is ranked by, and the progress of learned tokens."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from clipgen_engine.types import Progress
from clipgen_gui.analysis.token_job import TokenJob, TokenState
from clipgen_gui.document.session import Session
from clipgen_gui.look.theme import icon
from clipgen_gui.support.formatting import remaining
from clipgen_gui.widgets.cards import muted_label, named

_MEGABYTE = 1_000_000
_SOURCES = {
    "learned": ("Learned", "Rank by the tokens of the checkpoint; windows with missing tokens come last"),
    "blendshapes": ("Blendshapes", "Rank by blendshapes; learned tokens are still computed"),
}


class TokenBar(QWidget):
    """A view of the session and the token job."""

    settings_wanted = Signal()

    def __init__(self, session: Session, job: TokenJob, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._job = session, job
        self.label = muted_label()
        self.sources: dict[str, QToolButton] = {}
        group = QButtonGroup(self)
        line = QHBoxLayout()
        line.setSpacing(2)
        line.addWidget(self.label)
        for name, (text, help_text) in _SOURCES.items():
            button = QToolButton()
            button.setObjectName("tab")
            button.setText(text)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            named(button, f"Rank by {text.lower()}", help_text)
            button.clicked.connect(lambda _=False, name=name: session.controls.set_setting("token_source", name))
            group.addButton(button)
            line.addWidget(button)
            self.sources[name] = button
        line.addStretch(1)
        self.text = QLabel()
        self.text.setObjectName("muted")
        named(self.text, "Learned tokens computed so far")
        line.addWidget(self.text)
        self.pause = QToolButton()
        self.pause.setObjectName("tab")
        self.pause.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.pause.clicked.connect(lambda _=False: job.pause(job.state is not TokenState.PAUSED))
        line.addWidget(self.pause)
        self.choose = QPushButton("Learned tokens…")
        self.choose.setObjectName("link")
        self.choose.setCursor(Qt.CursorShape.PointingHandCursor)
        named(self.choose, "Learned tokens", "Choose the checkpoint of an Expression Transformer, and how to run it")
        self.choose.clicked.connect(lambda _=False: self.settings_wanted.emit())
        line.addWidget(self.choose)
        self.bar = QProgressBar()
        self.bar.setFixedHeight(4)
        self.bar.setTextVisible(False)
        named(self.bar, "Progress of the learned tokens")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(line)
        layout.addWidget(self.bar)
        job.changed.connect(self._show)
        session.controls.changed.connect(self._show)
        session.current_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        state, progress = self._job.state, self._job.progress
        off = state in (TokenState.OFF, TokenState.FAILED)
        source = self._session.settings.token_source
        self.label.setText("Ranked by blendshapes" if off else "By")
        for name, button in self.sources.items():
            button.setVisible(not off)
            button.setChecked(name == source)
        self.choose.setVisible(off)
        active = state in (TokenState.LOADING, TokenState.RUNNING, TokenState.PAUSED)
        self.pause.setVisible(active)
        paused = state is TokenState.PAUSED
        self.pause.setIcon(icon("play" if paused else "pause", "muted"))
        named(
            self.pause,
            "Resume the learned tokens" if paused else "Pause the learned tokens",
            "Resume" if paused else "Free the processor for other work; computed tokens are kept",
        )
        self.bar.setVisible(active and progress is not None)
        if progress is not None:
            self.bar.setRange(0, max(1, progress.total))
            self.bar.setValue(progress.done)
        self.text.setText(self._status_text(state, progress))

    def _status_text(self, state: TokenState, progress: Progress | None) -> str:
        if state is TokenState.LOADING:
            if progress is not None and progress.stage == "download":
                return f"DINOv2: {progress.done // _MEGABYTE} of {progress.total // _MEGABYTE} MB"
            return "loading"
        if progress is None or state not in (TokenState.RUNNING, TokenState.PAUSED):
            return ""
        text = f"{progress.done:,} / {progress.total:,}"
        if state is TokenState.PAUSED:
            return f"paused at {text}"
        other = self._job.running is not self._session.current
        left = self._job.seconds_left
        return ("other video: " if other else "") + text + (f" · {remaining(left)}" if left is not None else "")
