"""The menu bar, made from the commands: each command stands in the menu of its group."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QMenuBar

from clipgen_gui.commands import COMMANDS


def fill_menu_bar(bar: QMenuBar, actions: Mapping[str, QAction]) -> dict[str, QMenu]:
    """Add one menu for each group of commands; the menus by the group's name."""
    menus = {}
    for title, commands in groupby(COMMANDS, key=lambda one: one.group):
        menu = bar.addMenu(f"&{title}")
        menu.setAccessibleName(title)
        for command in commands:
            if command.starts_section and not menu.isEmpty():
                menu.addSeparator()
            actions[command.name].setIconVisibleInMenu(False)  # a calm list; check marks are seen the better
            menu.addAction(actions[command.name])
        menus[title] = menu
    return menus
