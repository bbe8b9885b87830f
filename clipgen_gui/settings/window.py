"""The settings window: pages generated from the declared settings, with a search over all of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import groupby

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from clipgen_engine.types import Setting
from clipgen_gui.commands.keymap import keymap, shown_key
from clipgen_gui.commands.registry import COMMANDS, Command
from clipgen_gui.document.preferences import Page, Preferences
from clipgen_gui.look.theme import follow_theme, px
from clipgen_gui.settings.field import SettingField
from clipgen_gui.settings.shortcut_field import ShortcutField
from clipgen_gui.support.signals import follow
from clipgen_gui.widgets.cards import muted_label, named
from clipgen_gui.widgets.focus_ring import FocusRing
from clipgen_gui.widgets.setting_box import InputFilter

_SHORTCUTS = "shortcuts"


class SettingsWindow(QDialog):
    """Non-modal; changes are saved immediately."""

    def __init__(self, preferences: Preferences, use_current: Callable[[], None], parent: QWidget) -> None:
        """
        Args:
            use_current: makes the current ranking settings the defaults.
        """
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self.setAccessibleName("Settings")
        self.setModal(False)
        self.preferences = preferences
        self.use_current = QPushButton("Use current ranking as default")
        self.use_current.setAutoDefault(False)
        help_text = "Copy weights, gates, regions and the settings below from the ranking panel"
        named(self.use_current, self.use_current.text(), help_text)
        self.use_current.clicked.connect(use_current)
        self._titles = {page.name: page.title for page in preferences.pages} | {_SHORTCUTS: "Shortcuts"}
        self._made: dict[str, SettingsPage | ShortcutsPage] = {}

        self.search = QLineEdit()
        self.search.setPlaceholderText("Search")
        self.search.setClearButtonEnabled(True)
        named(self.search, "Search the settings", "Shows settings whose name or description contains all words")
        self.list = QListWidget()
        self.list.addItems(list(self._titles.values()))
        named(self.list, "Settings pages")
        left = QVBoxLayout()
        left.setSpacing(10)
        left.addWidget(self.search)
        left.addWidget(self.list, 1)

        inner = QWidget()
        inner.setObjectName("plain")
        column = QVBoxLayout(inner)
        column.setContentsMargins(24, 18, 24, 18)
        column.setSpacing(18)
        self._page_slots = {name: QVBoxLayout() for name in self._titles}  # filled when a page is first shown
        for slot in self._page_slots.values():
            column.addLayout(slot)
        self.nothing = muted_label()
        column.addWidget(self.nothing)
        column.addStretch(1)
        self._area = QScrollArea()
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidget(inner)
        card = QFrame()
        card.setObjectName("card")
        card_layout = QHBoxLayout(card)
        card_layout.setContentsMargins(1, 1, 1, 1)
        card_layout.addWidget(self._area)

        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(12)
        layout.addLayout(left)
        layout.addWidget(card, 1)
        self.search.textChanged.connect(self._show)
        self.list.currentRowChanged.connect(self._page_chosen)
        follow_theme(self, self._dress)
        self.list.setCurrentRow(0)
        self.focus_ring = FocusRing(self)

    def _dress(self) -> None:
        self.search.setFixedWidth(px(180))
        self.list.setFixedWidth(px(180))
        size = self.size().expandedTo(QSize(px(820), px(620)))
        self.resize(size.boundedTo(self.screen().availableSize() * 0.9))
        self.list.doItemsLayout()  # rows otherwise keep their first height

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.list.doItemsLayout()

    def page(self, name: str) -> SettingsPage | ShortcutsPage:
        """The page of this name, created on first use."""
        if name not in self._made:
            self._made[name] = self._make_page(name)
            self._page_slots[name].addWidget(self._made[name])
        return self._made[name]

    def _make_page(self, name: str) -> SettingsPage | ShortcutsPage:
        if name == _SHORTCUTS:
            return ShortcutsPage()
        page = SettingsPage(next(one for one in self.preferences.pages if one.name == name), self.preferences)
        if name == "ranking":
            page.top.addWidget(self.use_current, 0, Qt.AlignmentFlag.AlignLeft)
        return page

    def show_page(self, name: str) -> None:
        """Show a page by name."""
        self.search.clear()
        self.list.setCurrentRow(list(self._titles).index(name))

    def _page_chosen(self) -> None:
        self.search.clear()
        self._show()

    def _show(self) -> None:
        words = self.search.text().lower().split()
        current = list(self._titles)[self.list.currentRow()]
        found = False
        for name in self._titles:
            visible = name == current or bool(words)
            if visible or name in self._made:
                page = self.page(name)
                matches = page.show_matches(words)
                page.setVisible(visible and matches)
                found |= matches
        self.nothing.setText(f"No settings match “{self.search.text().strip()}”.")
        self.nothing.setVisible(not found)
        self._area.verticalScrollBar().setValue(0)


class _TitledPage(QWidget):
    """Headline, note and reset button above searchable lines."""

    def __init__(self, title: str, note: str, reset: Callable[[], None]) -> None:
        super().__init__()
        self.title = title
        headline = QLabel(title)
        headline.setObjectName("pageTitle")
        self.reset_all = QPushButton("Reset page")
        self.reset_all.setObjectName("slim")
        self.reset_all.setAutoDefault(False)
        named(self.reset_all, f"Reset page {title}", "Reset all settings of this page to their defaults")
        self.reset_all.clicked.connect(reset)
        head = QHBoxLayout()
        head.addWidget(headline, 1)
        head.addWidget(self.reset_all)
        self.top = QVBoxLayout()
        self.top.setSpacing(8)
        self.top.addLayout(head)
        self.top.addWidget(muted_label(note, wrap=True))
        self.top.setContentsMargins(0, 0, 0, 8)
        self._lines: list[tuple[QWidget, Callable[[], str]]] = []
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(4)
        self.column.addLayout(self.top)

    def add_line(self, line: QWidget, words: Callable[[], str]) -> None:
        self.column.addWidget(line)
        self._lines.append((line, words))

    def show_matches(self, words: list[str]) -> bool:
        """Show the lines that contain all these words. Return whether there are any."""
        found = False
        for line, line_words in self._lines:
            text = f"{self.title} {line_words()}".lower()
            matches = all(word in text for word in words)
            line.setVisible(matches)
            found |= matches
        return found


class SettingsPage(_TitledPage):
    """The fields of a page of declared settings; they follow the preferences."""

    def __init__(self, page: Page, preferences: Preferences) -> None:
        super().__init__(page.title, page.note, lambda: preferences.reset(page.name))
        self._page, self.preferences = page, preferences
        input_filter = InputFilter(self)
        self.fields: dict[str, SettingField] = {}
        for setting in page.settings:
            field = SettingField(setting, input_filter)
            field.chosen.connect(lambda value, name=setting.name: preferences.set_value(page.name, name, value))
            self.fields[setting.name] = field
            self.add_line(field, partial(_setting_words, setting))
        follow(self, preferences.changed, self._show_values)

    def _show_values(self) -> None:
        values = self.preferences.values(self._page.name)
        for name, field in self.fields.items():
            field.show_value(values[name])


class ShortcutsPage(_TitledPage):
    """The shortcuts of all commands, in menu order."""

    def __init__(self) -> None:
        note = "Click a shortcut, then press the new key. Shortcuts work wherever the focus is."
        super().__init__("Shortcuts", note, keymap.reset_all)
        self.fields: dict[str, ShortcutField] = {}
        for title, commands in groupby(COMMANDS, key=lambda one: one.group):
            heading = QLabel(title.upper())
            heading.setObjectName("cardTitle")
            heading.setContentsMargins(0, 10, 0, 2)
            group = list(commands)
            self.add_line(heading, partial(_words, *group))
            for command in group:
                self.fields[command.name] = ShortcutField(command)
                self.add_line(self.fields[command.name], partial(_words, command))


def _setting_words(setting: Setting) -> str:
    return f"{setting.label} {setting.help} {setting.name.replace('_', ' ')}"


def _words(*commands: Command) -> str:
    texts = [(one.group, one.text, one.help, *map(shown_key, keymap.keys(one.name))) for one in commands]
    return " ".join(word for words in texts for word in words)
