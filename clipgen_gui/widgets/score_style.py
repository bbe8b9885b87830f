"""Colours, line styles and names of the scores, used consistently across views."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from clipgen_engine.ranking.ranker import COMBINED
from clipgen_engine.ranking.terms import TERMS
from clipgen_gui.look.palettes import Palette
from clipgen_gui.look.theme import follow_theme, palette


def term_color(name: str, colors: Palette | None = None) -> str:
    """Return the colour of a score term or of the combined score.

    Args:
        colors: the current palette if None.
    """
    colors = colors or palette()
    return colors.combined if name == COMBINED else colors.term(list(TERMS).index(name))


def term_line(name: str) -> Qt.PenStyle:
    """Return the dash pattern of a score's curve; no two curves differ by hue alone."""
    if name == COMBINED:
        return Qt.PenStyle.SolidLine
    return _LINES[list(TERMS).index(name) % len(_LINES)]


_LINES = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine,
    Qt.PenStyle.DashLine,
)
_LEGEND_MARKS = {
    Qt.PenStyle.SolidLine: "●",
    Qt.PenStyle.DashLine: "––",
    Qt.PenStyle.DotLine: "···",
    Qt.PenStyle.DashDotLine: "–·",
}


def score_label(text: str, score: str) -> QLabel:
    """Return a legend label: a sample of the score's line style and a text."""
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.RichText)
    mark = _LEGEND_MARKS[term_line(score)]
    follow_theme(label, lambda: label.setText(f'<span style="color:{term_color(score)}">{mark}</span>&nbsp;{text}'))
    return label
