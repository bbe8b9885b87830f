"""The colours of the app: a dark and a light palette.

Text keeps WCAG AA's contrast (4.5:1) on every surface that it lies on, marks and curves 3:1. What has a meaning differs
by shape as well as by hue: decisions have marks, the curves of the further terms are broken. A test simulates
colour-blind eyes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """Every colour of the app by its role, as "#rrggbb", and what else differs between light and dark."""

    window: str
    card: str
    border: str
    field: str  # what can be typed into
    raised: str
    stage: str  # behind the picture
    text: str
    muted: str
    faint: str  # what is off; it says nothing by itself
    accent: str
    accent_hover: str
    on_accent: str
    selection: str
    hover: str
    knob: str  # of a slider
    check: str  # file of the tick on the accent
    held: str  # a slider's knob while it is used
    accepted: str
    rejected: str
    warning: str
    combined: str
    terms: tuple[str, ...]  # score terms, in the order of the registry

    def term(self, position: int) -> str:
        """Colour of the score term at this position of the registry."""
        return self.terms[position % len(self.terms)]


DARK = Palette(
    window="#16181d",
    card="#1d2027",
    border="#323742",
    field="#16181d",
    raised="#262a33",
    stage="#0d0f12",
    text="#e6e9ef",
    muted="#9ca3b0",
    faint="#5b6270",
    accent="#4cc2ff",
    accent_hover="#74d0ff",
    on_accent="#07121a",
    selection="#1f3c50",
    hover="#242832",
    knob="#e6e9ef",
    check="check-dark.svg",
    held="#ffffff",
    accepted="#5fd38d",
    rejected="#e0718a",
    warning="#ffb35c",
    combined="#4cc2ff",
    terms=("#ff9f5a", "#b78cff", "#5ad1b5", "#f28bb8", "#d8c45a", "#8fa8ff"),
)

LIGHT = Palette(
    window="#eff1f5",
    card="#ffffff",
    border="#d3d8e0",
    field="#f8f9fb",
    raised="#eaedf2",
    stage="#23262c",
    text="#1c2129",
    muted="#565f6f",
    faint="#98a0ad",
    accent="#0763ad",
    accent_hover="#054f8c",
    on_accent="#ffffff",
    selection="#d2e7f8",
    hover="#eef1f5",
    knob="#4a5361",
    check="check-light.svg",
    held="#ffffff",
    accepted="#13713e",
    rejected="#b02c4b",
    warning="#8f4e00",
    combined="#0763ad",
    terms=("#bf5600", "#7440d0", "#0a7c66", "#bb337b", "#7d6a00", "#3f5ccc"),
)
