"""The dark and the light palette.

Text meets WCAG AA contrast (4.5:1) on every surface, marks and curves 3:1. Meaning is never conveyed by hue alone:
decisions have icons, curves have dash patterns. A test simulates colour vision deficiencies.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """Colours by role, as "#rrggbb", and other values that differ between light and dark."""

    window: str
    card: str
    border: str
    field: str  # text input
    raised: str
    stage: str  # behind the video
    text: str
    muted: str
    faint: str  # disabled; carries no information alone
    accent: str
    accent_hover: str
    on_accent: str
    selection: str
    hover: str
    knob: str  # slider handle
    check: str  # check mark on the accent, file name
    held: str  # slider handle while hovered or focused
    accepted: str
    rejected: str
    warning: str
    combined: str
    terms: tuple[str, ...]  # score terms, in registry order

    def term(self, position: int) -> str:
        """Return the colour of the score term at this registry position."""
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
