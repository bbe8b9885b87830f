"""Registry of the plot's curves. Legend, lines, limits and cursor readout are built from it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt

from clipgen_engine.ranking.gates import GATES
from clipgen_engine.ranking.ranker import COMBINED
from clipgen_engine.ranking.scores import BY_BLENDSHAPES, LEARNED
from clipgen_engine.ranking.terms import TERMS
from clipgen_gui.document.entry import MOVEMENT
from clipgen_gui.look.theme import palette
from clipgen_gui.widgets.score_style import term_color, term_line

_BY_TOKENS = {BY_BLENDSHAPES: Qt.PenStyle.DashLine, LEARNED: Qt.PenStyle.DotLine}
VARIATIONS = tuple(_BY_TOKENS)  # expression variation per token source, independent of the ranking's


@dataclass(frozen=True)
class CurveKind:
    """A curve with one value per frame, or per window centred on the frame."""

    name: str  # key for `VideoEntry.curve`
    label: str
    short_label: str
    help: str
    stems: bool = False  # stem plot instead of a line
    width: float = 1.0
    full_scale: float = 1.0  # the value drawn at 1 on the axis
    unit: str = ""
    gates: tuple[str, ...] = ()  # gates that threshold this value

    @property
    def tint(self) -> str:
        """Colour in the current palette."""
        if self.name in SCORES:
            return term_color(self.name)
        if self.name in VARIATIONS:
            return palette().term(0)
        return palette().muted if self.name == MOVEMENT else palette().term(-1 - CONDITIONS.index(self.name))

    @property
    def pen_style(self) -> Qt.PenStyle:
        if self.name in _BY_TOKENS:
            return _BY_TOKENS[self.name]
        return Qt.PenStyle.DashLine if self.name in CONDITIONS else term_line(self.name)

    def format(self, value: float) -> str:
        """Format a value for display, with its unit."""
        return f"{value:.0f}{self.unit}" if self.full_scale >= 2 else f"{value:.2f}{self.unit}"


# Full scale of the axis: the upper end of useful thresholds.
_FULL_SCALES = {
    "min_face_share": 0.5,
    "max_yaw": 90.0,
    "max_pitch": 90.0,
    "max_roll": 90.0,
    "min_laplacian": 2000.0,
    "one_face": 5.0,
    "max_displacement": 0.5,
}
_SHORT_LABELS = {
    "face_confidence": "Conf.",
    "min_face_share": "Share",
    "max_yaw": "Yaw",
    "max_pitch": "Pitch",
    "max_roll": "Roll",
    "min_inside_share": "Inside",
    "min_laplacian": "Detail",
    "one_face": "Faces",
    "max_displacement": "Displ.",
}
_TERM_LIMITS = {f"{which}_{name}" for name in TERMS for which in ("min", "max")}
CONDITIONS = tuple(
    name
    for name, gate in GATES.items()
    if name not in _TERM_LIMITS and gate.threshold.minimum != gate.threshold.maximum
)
SCORES = (*TERMS, COMBINED)

CURVES: dict[str, CurveKind] = {
    kind.name: kind
    for kind in (
        *(
            CurveKind(name, one.label, one.short_label, one.help, gates=(f"min_{name}", f"max_{name}"))
            for name, one in TERMS.items()
        ),
        CurveKind(COMBINED, "Combined", "Score", "The score by which windows are ranked.", width=2.0),
        CurveKind(
            BY_BLENDSHAPES,
            "Variation (blendshapes)",
            "E blend.",
            "Expression variation from blendshapes, whichever tokens the ranking uses.",
        ),
        CurveKind(
            LEARNED,
            "Variation (learned tokens)",
            "E learned",
            "Expression variation from the checkpoint's tokens, where available.",
        ),
        CurveKind(
            MOVEMENT,
            "Movement",
            "Move",
            "Change of the expression from one frame to the next.",
            stems=True,
        ),
        *(
            CurveKind(
                name,
                GATES[name].label,
                _SHORT_LABELS.get(name, GATES[name].label),
                f"{GATES[name].threshold.help} Measured on the window centred at each frame."
                " Drag the dotted line to set the limit.",
                full_scale=_FULL_SCALES.get(name, 1.0),
                unit=GATES[name].threshold.unit,
                gates=(name,),
            )
            for name in CONDITIONS
        ),
    )
}
