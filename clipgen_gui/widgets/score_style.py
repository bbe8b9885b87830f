"""Colours, line styles and names of the scores, the same wherever they show."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from clipgen_engine.ranking.ranker import COMBINED
from clipgen_engine.ranking.terms import TERMS
from clipgen_gui.look.palettes import Palette
from clipgen_gui.look.theme import follow_theme, palette


def term_color(name: str, colors: Palette | None = None) -> str:
    """Colour of a score term, by its place among all of them, or of the combined score.

    Args:
        colors: those of the app as they are now where not given.
    """
    colors = colors or palette()
    return colors.combined if name == COMBINED else colors.term(list(TERMS).index(name))


def readable(channel: str) -> str:
    """`jaw open` for `jawOpen`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])|_", " ", channel).lower()


def term_line(name: str) -> Qt.PenStyle:
    """How the curve of a score is broken, so that no two of them differ by hue alone."""
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
_IN_LEGEND = {
    Qt.PenStyle.SolidLine: "●",
    Qt.PenStyle.DashLine: "––",
    Qt.PenStyle.DotLine: "···",
    Qt.PenStyle.DashDotLine: "–·",
}


def score_label(text: str, score: str) -> QLabel:
    """A mark as the curve of the score is drawn and a word, for legends."""
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.RichText)
    mark = _IN_LEGEND[term_line(score)]
    follow_theme(label, lambda: label.setText(f'<span style="color:{term_color(score)}">{mark}</span>&nbsp;{text}'))
    return label
