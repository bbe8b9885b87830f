"""Accessibility: names for screen readers, keyboard navigation, visible focus, and text sizes without clipping."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QAccessible, QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QMenu,
    QScrollArea,
    QScrollBar,
    QTableView,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from clipgen_engine.types import Decision
from clipgen_gui.look.palettes import DARK
from clipgen_gui.look.theme import apply_theme, px, theme
from clipgen_gui.main_window.window import MainWindow


@pytest.fixture
def everything(reviewed: MainWindow, qtbot: QtBot) -> Iterator[MainWindow]:
    """The window with all pages, panels and dialogs created, and a message."""
    entry = reviewed.session.current
    assert entry is not None
    for page in (1, 2, 0):
        reviewed.parts.ranking.panel.show_page(page)
    reviewed.session.selection.select(entry.rows[0].key)
    reviewed.session.decisions.decide(Decision.ACCEPTED, advance=False)
    reviewed.parts.player.playback.pause()
    reviewed.parts.messages.show_message("Something broke.", "error", ("Open log folder", lambda: None))
    reviewed.parts.settings.show()
    for name in [*(page.name for page in reviewed.preferences.pages), "shortcuts"]:
        reviewed.parts.settings.window.show_page(name)
    reviewed.parts.shortcuts.show()
    reviewed.actions_by_name["export"].trigger()
    qtbot.wait(1)
    yield reviewed
    for dialog in top_levels():
        if dialog is not reviewed:
            dialog.close()
    apply_theme(QApplication.instance())


def top_levels() -> list[QWidget]:
    return [one for one in QApplication.topLevelWidgets() if not isinstance(one, QMenu) and one.windowTitle()]


def controls(window: QWidget) -> list[QWidget]:
    """Focusable widgets, without the internal parts of Qt widgets."""
    return [
        widget
        for widget in window.findChildren(QWidget)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not widget.objectName().startswith("qt_")
        and widget.focusProxy() is None
        and not isinstance(widget, QScrollBar)
        and not inside(widget, QComboBox)
    ]


def parents(widget: QWidget) -> Iterator[QWidget]:
    above = widget.parentWidget()
    while above is not None:
        yield above
        above = above.parentWidget()


def inside(widget: QWidget, kind: type[QWidget]) -> bool:
    return any(isinstance(one, kind) for one in parents(widget))


def spoken_name(widget: QWidget) -> str:
    interface = QAccessible.queryAccessibleInterface(widget)
    return interface.text(QAccessible.Text.Name).strip() if interface is not None else ""


def described(widget: QWidget) -> str:
    above = widget.parentWidget()
    return f"{type(widget).__name__} {widget.objectName()!r} in {type(above).__name__}"


def test_every_control_has_an_accessible_name(everything: MainWindow) -> None:
    windows = top_levels()
    assert {everything, everything.parts.settings.window, everything.parts.shortcuts} < set(windows)
    nameless = [described(one) for window in windows for one in controls(window) if not spoken_name(one)]
    assert nameless == []
    assert len(controls(everything)) > 60
    assert len(controls(everything.parts.settings.window)) > 60


def test_every_button_is_reachable_by_keyboard(everything: MainWindow) -> None:
    """By Tab, or by the shortcut or menu of its action."""
    in_menus = {action for menu in everything.menus.values() for action in menu.actions()}
    unreachable = []
    for window in top_levels():
        for button in window.findChildren(QAbstractButton):
            hidden = button.objectName().startswith("qt_") or inside(button, QTableView) or inside(button, QLineEdit)
            action = button.defaultAction() if hasattr(button, "defaultAction") else None
            if not hidden and action not in in_menus and not button.focusPolicy() & Qt.FocusPolicy.TabFocus:
                unreachable.append(f"{described(button)}: {spoken_name(button)}")
    assert unreachable == []


def test_tab_order_visits_card_by_card(reviewed: MainWindow, qtbot: QtBot) -> None:
    """Tab reaches every visible control and visits each card once."""
    reviewed.session.selection.select(reviewed.session.current.rows[0].key)
    reviewed.parts.player.playback.pause()
    reviewed.centralWidget().setFocus()
    visited: list[QWidget] = []
    while (focused := QApplication.focusWidget()) not in visited and len(visited) < 200:
        assert focused is not None
        visited.append(focused)
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    expected = {one for one in controls(reviewed) if one.isVisible() and one.isEnabled()}
    print("TABS", *map(described, visited), sep="\n  ")
    in_group = {button for one in expected if isinstance(one, QAbstractButton) for button in [one] if one.group()}
    assert [described(one) for one in expected - in_group - set(visited)] == []
    cards = [card_of(widget) for widget in visited]
    turns = [card for index, card in enumerate(cards) if index == 0 or card is not cards[index - 1]]
    assert len(turns) == len(set(turns)), [described(card) for card in turns]


def card_of(widget: QWidget) -> QWidget:
    card: QWidget = widget
    while card.parentWidget() is not None and card.objectName() not in ("card", "steps"):
        if card.parentWidget().parentWidget() is None:
            return card
        card = card.parentWidget()
    return card


def test_focus_is_visible(reviewed: MainWindow, qtbot: QtBot) -> None:
    for view in (
        reviewed.parts.review.panel.view,
        reviewed.parts.projects.videos.view,
        reviewed.parts.plot.plot,
        reviewed.parts.player.view,
    ):
        view.setFocus(Qt.FocusReason.TabFocusReason)
        assert reviewed.focus_ring.target is view
        assert ring_colour(reviewed, view) == DARK.accent
    reviewed.parts.toolbar.analyse_button.setFocus(Qt.FocusReason.TabFocusReason)
    assert reviewed.focus_ring.target is None, "buttons draw their own focus"
    cell = reviewed.parts.review.panel.view.visualRect(reviewed.parts.review.panel.view.model().index(0, 0)).center()
    qtbot.mouseClick(reviewed.parts.review.panel.view.viewport(), Qt.MouseButton.LeftButton, pos=cell)
    assert reviewed.parts.review.panel.view.hasFocus()
    assert reviewed.focus_ring.target is None, "a mouse click needs no focus ring"


def ring_colour(window: QWidget, view: QWidget) -> str:
    image = window.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    corner = view.mapTo(window, view.rect().topLeft())
    return image.pixelColor(corner.x() + view.width() // 3, corner.y()).name()


@pytest.mark.parametrize("scale", [0.8, 1.25, 1.6, 2.0])
def test_no_text_is_clipped_at_any_size(everything: MainWindow, qtbot: QtBot, scale: float) -> None:
    """At 1920x1080, every visible label and button is as wide and as high as its text."""
    everything.resize(1920, 1080)
    theme.apply(text_scale=scale)
    everything.parts.settings.window.resize(px(820), px(500))  # its size on a sufficiently wide screen
    qtbot.wait(50)
    clipped = [
        f"{described(one)}: {one.text()!r} has {one.size().toTuple()}, wants {one.sizeHint().toTuple()}"
        for window in top_levels()
        for kind in (QLabel, QAbstractButton)
        for one in window.findChildren(kind)
        if one.isVisible() and one.text() and is_clipped(one)
    ]
    assert clipped == []
    for window in (everything, everything.parts.settings.window):
        assert QRect(0, 0, 1920, 1080).contains(QRect(0, 0, *window.size().toTuple()))


def is_clipped(widget: QLabel | QAbstractButton) -> bool:
    if inside(widget, QAbstractItemView):
        return False
    area = next((one for one in parents(widget) if isinstance(one, QScrollArea)), None)
    if area is not None:  # it scrolls vertically only
        end = widget.mapTo(area.viewport(), widget.rect().topRight()).x()
        if end > area.viewport().width():
            return True
    metrics = widget.fontMetrics()
    if isinstance(widget, QLabel):
        if widget.wordWrap():
            return widget.height() < widget.heightForWidth(widget.width())
        if widget.textFormat() is Qt.TextFormat.RichText or "<" in widget.text():
            return widget.width() < widget.sizeHint().width() or widget.height() < metrics.height()
        return widget.width() < metrics.horizontalAdvance(widget.text()) or widget.height() < metrics.height() - 1
    if isinstance(widget, QToolButton) and widget.toolButtonStyle() is Qt.ToolButtonStyle.ToolButtonIconOnly:
        return False
    return widget.width() < widget.minimumSizeHint().width() or widget.height() < metrics.height()
