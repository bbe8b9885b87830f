"""The panel that explains why the selected window or the inspected frame is or is not listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from clipgen_engine.ranking.effective import effective_regions, effective_thresholds
from clipgen_engine.ranking.explanation import Explanation, GateResult
from clipgen_engine.ranking.expression.actions import ACTIONS
from clipgen_engine.ranking.expression.movements import movement_words
from clipgen_engine.ranking.gates import GATES
from clipgen_engine.ranking.ranker import COMBINED
from clipgen_engine.ranking.terms import TERMS
from clipgen_engine.settings import RankingSettings
from clipgen_gui.document.session import Session
from clipgen_gui.look.theme import follow_theme, palette, px, ui_font
from clipgen_gui.ranking.explainer import Explainer
from clipgen_gui.widgets.cards import Card, muted_label, named, named_with_key, restyle
from clipgen_gui.widgets.score_style import term_color

_HINT = "Select a window or click the curves to see why it is or is not listed."
_MOVEMENTS = 4
_MOVEMENTS_HELP = (
    "The range of each movement; 1 is what a strong performance reaches. Left and right are the person's own."
)
_TIGHT = 0.1  # of the threshold; smaller margins are shown


class ExplanationPanel(Card):
    """Follows the explainer. Links seek and select."""

    gate_chosen = Signal(str)

    def __init__(self, session: Session, explainer: Explainer, parent: QWidget | None = None) -> None:
        super().__init__("Why", parent)
        self._session, self._explainer = session, explainer
        self.subject = QLabel()
        self.subject.setObjectName("subject")
        self.accept = QPushButton("Accept")
        self.accept.setObjectName("slim")
        named_with_key(self.accept, "Accept this window", "Add this window to the list, accepted", "new_window")
        self.accept.clicked.connect(session.decisions.accept_inspected)
        self.header.insertWidget(1, self.subject)
        self.header.addWidget(self.accept)

        self.verdict = QLabel()
        self.verdict.setWordWrap(True)
        self.verdict.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.verdict.setAccessibleName("Verdict")
        self.lost_to = _link("Show the better window")
        self.lost_to.clicked.connect(self._select_better)
        self.standings = StandingBars()
        self.movements = muted_label(wrap=True)
        self.movements.setAccessibleName("Moves most")
        self.movements.setToolTip(_MOVEMENTS_HELP)
        self.noise = muted_label(wrap=True)
        self.noise.setAccessibleName("Noise")
        self.extremes = _link("Go to the first extreme"), _link("Go to the second extreme")
        for link in self.extremes:
            link.clicked.connect(lambda _=False, link=link: session.selection.seek(link.property("frame")))
        self._extremes = QWidget()
        extremes = QHBoxLayout(self._extremes)
        extremes.setContentsMargins(0, 0, 0, 0)
        extremes.setSpacing(4)
        for widget in (muted_label("Extremes:"), *self.extremes):
            extremes.addWidget(widget)
        extremes.addStretch(1)
        self._gates = QVBoxLayout()
        self._gates.setSpacing(0)
        self.gate_links: list[QPushButton] = []

        inner = QWidget()
        inner.setObjectName("plain")
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(0, 0, 4, 0)
        layout.setSpacing(4)
        layout.addWidget(self.verdict)
        layout.addWidget(self.lost_to, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addLayout(self._gates)
        layout.addWidget(self.standings)
        layout.addWidget(self.movements)
        layout.addWidget(self.noise)
        layout.addWidget(self._extremes)
        layout.addStretch(1)
        area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inner)
        self.body.addWidget(area)
        follow_theme(self, lambda: self.setMinimumWidth(px(296)))
        explainer.answered.connect(self._show)
        session.current_changed.connect(lambda: self.setVisible(session.current is not None))
        self.hide()
        self._show()

    def _show(self) -> None:
        answer = self._explainer.answer
        explanation = answer.explanation if answer else None
        self.subject.setText(answer.title if answer else "")
        self.accept.setVisible(answer is not None and answer.acceptable)
        self.verdict.setText(answer.verdict if answer else _HINT)
        restyle(self.verdict, "hint", not answer)
        self.lost_to.setVisible(answer is not None and answer.lost_to is not None)
        if answer and answer.lost_to:
            text = f"Show number {answer.lost_to.number}"
            self.lost_to.setText(text)
            named(self.lost_to, text, "Select the better window")
        for widget in (self.standings, self.movements, self.noise, self._extremes):
            widget.setVisible(explanation is not None)
        for link in self.gate_links:
            self._gates.removeWidget(link)
            link.deleteLater()
        self.gate_links = []
        if explanation is not None:
            self._show_explanation(explanation)

    def _show_explanation(self, explanation: Explanation) -> None:
        entry = self._session.current
        complete = int(entry.ranking.scores.complete.sum()) if entry and entry.ranking else 0
        self.standings.show_standings(
            [
                Bar(
                    "Score" if name == COMBINED else TERMS[name].short_label,
                    name,
                    standing.value,
                    standing.rank,
                    standing.percentile,
                )
                for name, standing in explanation.standings.items()
            ],
            complete,
        )
        settings = self._session.settings
        moved = [_movement_text(*movement, settings) for movement in explanation.movements[:_MOVEMENTS]]
        self.movements.setText("Moves most: " + ", ".join(moved))
        self.noise.setText(explanation.noise)
        self.noise.setVisible(bool(explanation.noise))
        name, change = explanation.movements[0]
        strongest = movement_words(name, abs(change))
        reached = sorted(zip(explanation.extreme_frames, ("lowest", "highest"), strict=True))
        for link, (frame, which) in zip(self.extremes, reached, strict=True):
            link.setText(f"frame {frame}")
            link.setProperty("frame", frame)
            named(link, f"Go to frame {frame}", f"Where “{strongest}” is {which}")
        thresholds = effective_thresholds(settings)
        for gate in explanation.gates:
            link_text = _gate_text(gate, thresholds[gate.name])
            if link_text:
                self._add_gate(gate, link_text)

    def _add_gate(self, gate: GateResult, text: str) -> None:
        link = _link(text)
        link.setProperty("gate", "passed" if gate.passed else "failed")
        named(link, text, "Go to this gate")
        link.clicked.connect(lambda _=False: self.gate_chosen.emit(gate.name))
        self._gates.addWidget(link, 0, Qt.AlignmentFlag.AlignLeft)
        self.gate_links.append(link)

    def _select_better(self) -> None:
        answer = self._explainer.answer
        if answer is not None and answer.lost_to is not None:
            self._session.selection.select(answer.lost_to.key)


def _movement_text(name: str, change: float, settings: RankingSettings) -> str:
    text = f"{movement_words(name, change)} {abs(change):.2f}"
    return text if effective_regions(settings)[ACTIONS[name].region] else f"{text} (does not count)"


def _gate_text(gate: GateResult, threshold: float) -> str:
    """Text about a gate; empty if the window passes it comfortably."""
    declared = GATES[gate.name].threshold
    if not gate.passed:
        direction = "low" if GATES[gate.name].at_least else "high"
        return f"{declared.label}: {-gate.margin:.2g}{declared.unit} too {direction}"
    is_count = declared.step == 1.0 and not declared.unit  # counts and switches have no meaningful margin
    if is_count or declared.minimum == declared.maximum or gate.margin >= _TIGHT * threshold:
        return ""
    return f"{declared.label}: {gate.margin:.2g}{declared.unit} to spare"


def _link(text: str) -> QPushButton:
    link = QPushButton()
    link.setFlat(True)
    link.setObjectName("link")
    link.setText(text)
    named(link, text)
    link.setCursor(Qt.CursorShape.PointingHandCursor)
    link.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return link


@dataclass(frozen=True)
class Bar:
    """A score of the window and its rank within the video."""

    label: str
    score: str  # name of a term, or COMBINED
    value: float
    rank: int
    percentile: float


class StandingBars(QWidget):
    """One line per score: name, percentile bar, value and rank."""

    def __init__(self) -> None:
        super().__init__()
        self.bars: tuple[Bar, ...] = ()
        self._total = 0
        follow_theme(self, self._dress)

    @property
    def _line(self) -> int:
        return px(18)

    def _dress(self) -> None:
        self.setFixedHeight(self._line * len(self.bars))
        self.update()

    def show_standings(self, bars: Sequence[Bar], total: int) -> None:
        self.bars, self._total = tuple(bars), total
        lines = [f"{one.label} {one.value:.2f}, rank {one.rank} of {total}" for one in bars]
        named(self, "; ".join(lines), "Bar: share of the video's windows that score no higher\n" + "\n".join(lines))
        self._dress()

    def sizeHint(self) -> QSize:
        return QSize(220, self._line * len(self.bars))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        font, colors = ui_font(12), palette()
        painter.setFont(font)
        metrics = QFontMetrics(font)
        label_width = max((metrics.horizontalAdvance(one.label) for one in self.bars), default=0) + 10
        value_width = metrics.horizontalAdvance("0.00") + 8
        rank_width = metrics.horizontalAdvance(f"{self._total} of {self._total}")
        length = max(12, self.width() - label_width - value_width - rank_width - 8)
        centre = Qt.AlignmentFlag.AlignVCenter
        for index, one in enumerate(self.bars):
            top = index * self._line
            painter.setPen(QColor(colors.text))
            painter.drawText(QRectF(0, top, label_width, self._line), centre, one.label)
            line = QRectF(label_width, top + self._line / 2 - 1, length, 3)
            painter.fillRect(line, QColor(colors.border))
            line.setWidth(length * one.percentile / 100)
            painter.fillRect(line, QColor(term_color(one.score)))
            right = centre | Qt.AlignmentFlag.AlignRight
            after = label_width + length
            painter.drawText(QRectF(after, top, value_width, self._line), right, f"{one.value:.2f}")
            painter.setPen(QColor(colors.muted))
            rank = QRectF(self.width() - rank_width, top, rank_width, self._line)
            painter.drawText(rank, right, f"{one.rank} of {self._total}")
