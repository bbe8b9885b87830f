"""Light and dark themes, text sizes, contrast and colour vision deficiencies."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

import clipgen_gui.look.theme as theme_module
from clipgen_engine.ranking.ranker import COMBINED
from clipgen_engine.ranking.terms import TERMS
from clipgen_engine.types import Decision
from clipgen_gui.look.palettes import DARK, LIGHT, Palette
from clipgen_gui.look.theme import apply_theme, follow_theme, icon, px, theme
from clipgen_gui.main_window.window import MainWindow
from clipgen_gui.plot.items import Span
from clipgen_gui.widgets.score_style import term_color, term_line

PALETTES = {"dark": DARK, "light": LIGHT}
SURFACES = ("window", "card", "field", "raised", "selection", "hover")

# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
EYES = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.119192, 0.9503041]]
)


def linear(name: str) -> NDArray[np.float64]:
    parts = np.array(QColor(name).getRgb()[:3]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(first: str, second: str) -> float:
    """WCAG 2 contrast ratio."""
    low, high = sorted(float(TO_XYZ[1] @ linear(name)) for name in (first, second))
    return (high + 0.05) / (low + 0.05)


def distance(first: str, second: str, eyes: NDArray[np.float64]) -> float:
    """CIE 1976 colour difference under this colour vision matrix."""

    def lab(name: str) -> NDArray[np.float64]:
        t = TO_XYZ @ np.clip(eyes @ linear(name), 0, 1) / np.array([0.95047, 1.0, 1.08883])
        f = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
        return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])

    return float(np.linalg.norm(lab(first) - lab(second)))


@pytest.fixture(autouse=True)
def default_theme(qapp: QApplication) -> Iterator[None]:
    apply_theme(qapp)
    yield
    apply_theme(qapp)


def test_colour_metrics_match_reference_values() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert distance("#ffffff", "#000000", EYES["usual"]) == pytest.approx(100, abs=0.1)
    red_and_green = "#b03030", "#4d6b1f"
    assert distance(*red_and_green, EYES["usual"]) > 60 > 20 > distance(*red_and_green, EYES["deuteranopia"])


@pytest.mark.parametrize("colors", PALETTES.values(), ids=PALETTES)
def test_text_is_readable_on_every_surface(colors: Palette) -> None:
    for surface in SURFACES:
        for role in ("text", "muted", "accent"):
            assert contrast(getattr(colors, role), getattr(colors, surface)) >= 4.5, (role, surface)
        for role in ("accepted", "rejected", "warning", "knob"):
            assert contrast(getattr(colors, role), getattr(colors, surface)) >= 3, (role, surface)
    for fill in (colors.accent, colors.accent_hover):
        assert contrast(colors.on_accent, fill) >= 4.5
    for name in (COMBINED, *TERMS):
        assert contrast(term_color(name, colors), colors.card) >= 4.5


@pytest.mark.parametrize("eyes", EYES.values(), ids=EYES)
@pytest.mark.parametrize("colors", PALETTES.values(), ids=PALETTES)
def test_no_two_curves_differ_by_hue_alone(colors: Palette, eyes: NDArray[np.float64]) -> None:
    """Curves with the same dash pattern differ by at least 15. The combined curve is exempt: it is twice as wide."""
    for first, second in combinations(list(TERMS)[: len(colors.terms)], 2):
        if term_line(first) is term_line(second):
            assert distance(term_color(first, colors), term_color(second, colors), eyes) >= 15, (first, second)


def test_the_combined_curve_is_twice_as_wide(reviewed: MainWindow) -> None:
    widths = {line.kind.width for line in reviewed.parts.plot.terms.lines}
    assert {line.kind.width for line in reviewed.parts.plot.combined.lines} == {2 * max(widths)}


def grey(image: QImage) -> NDArray[np.int16]:
    flat = image.convertToFormat(QImage.Format.Format_Grayscale8)
    pixels = np.frombuffer(flat.constBits(), np.uint8).reshape(flat.height(), flat.bytesPerLine())
    return pixels[:, : flat.width()].astype(np.int16)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_decisions_differ_in_greyscale(reviewed: MainWindow, scheme: str) -> None:
    theme.apply(scheme)
    seen = []
    for decision in Decision:
        reviewed.parts.plot.spans.set_spans([Span(1.0, 2.0, 1, decision, False)])
        seen.append(grey(reviewed.parts.plot.plot.grab().toImage()))
    marks = [grey(icon(*look).pixmap(32, 32).toImage()) for look in _marks()]
    for pictures in (seen, marks):
        for first, second in combinations(pictures, 2):
            assert np.count_nonzero(abs(first - second) > 24) > 40


def _marks() -> list[tuple[str, str]]:
    from clipgen_gui.review.model import DECISION_ICONS

    return list(DECISION_ICONS.values())


def test_switching_the_theme_repaints_everything(reviewed: MainWindow, qtbot: QtBot) -> None:
    """Views become brighter in the light theme and return to their initial appearance in the dark one."""
    reviewed.session.controls.set_gate("min_expression_variation", 0.1)
    reviewed.session.rank_now()
    reviewed.parts.messages.show_message("A sentence.")
    views = {
        "window": reviewed,
        "plot": reviewed.parts.plot.plot,
        "table": reviewed.parts.review.panel.view.viewport(),
        "videos": reviewed.parts.projects.videos.view.viewport(),
        "why": reviewed.parts.ranking.why.standings,
        "transport": reviewed.parts.player.transport,
        "message": reviewed.parts.messages,
    }
    reviewed.session.selection.select(reviewed.session.current.rows[0].key)
    reviewed.parts.player.playback.pause()
    qtbot.waitUntil(
        lambda: reviewed.parts.ranking.why.standings.height() > 0 and reviewed.parts.ranking.why.standings.isVisible()
    )

    def means() -> dict[str, float]:
        qtbot.wait(1)
        return {name: float(grey(view.grab().toImage()).mean()) for name, view in views.items()}

    before = means()
    theme.apply("light")
    light = means()
    assert all(light[name] > before[name] + 60 for name in views if name != "window"), (before, light)
    assert light["window"] > before["window"] + 40
    theme.apply("dark")
    assert means() == pytest.approx(before, abs=0.5)


def test_the_system_scheme_is_followed_until_one_is_chosen(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    system = Qt.ColorScheme.Dark
    monkeypatch.setattr(theme_module, "_system_scheme", lambda: system)
    apply_theme(app)
    assert theme.palette is DARK
    system = Qt.ColorScheme.Light
    with qtbot.waitSignal(theme.changed):
        app.styleHints().colorSchemeChanged.emit(system)
    assert theme.palette is LIGHT
    theme.apply("dark")
    with qtbot.assertNotEmitted(theme.changed):
        app.styleHints().colorSchemeChanged.emit(system)
    assert theme.palette is DARK
    theme.apply("system")
    assert theme.palette is LIGHT


def test_an_icon_follows_the_palette(qtbot: QtBot) -> None:
    one = icon("check-circle", "accepted")
    seen = []
    for scheme in ("dark", "light"):
        theme.apply(scheme)
        seen.append(one.pixmap(40, 40).toImage().pixelColor(20, 8).name())
    assert seen == [DARK.accepted, LIGHT.accepted]
    with pytest.raises(AttributeError):
        icon("check", "no such role")


def test_text_grows_with_the_setting(reviewed: MainWindow, qtbot: QtBot) -> None:
    label = QLabel("Some text", reviewed)
    qtbot.wait(1)  # let the new widget be polished
    heights, rows = [], []
    for scale in (0.8, 1.0, 1.6, 2.0):
        theme.apply(text_scale=scale)
        heights.append(QFontMetrics(label.font()).height() / scale)
        rows.append(reviewed.parts.review.panel.view.rowHeight(0) / scale)
        assert px(100) == round(100 * scale)
    assert max(heights) / min(heights) < 1.15
    assert max(rows) / min(rows) < 1.05
    theme.apply(text_scale=17)
    assert theme.text_scale == 2.0


def test_deleted_owners_are_not_called(qtbot: QtBot) -> None:
    calls = []
    label = QLabel()
    follow_theme(label, lambda: calls.append(label.text()))
    theme.apply("light")
    assert len(calls) == 2
    label.deleteLater()
    qtbot.wait(1)
    QApplication.sendPostedEvents(None, 0)
    theme.apply("dark")
    assert len(calls) == 2
