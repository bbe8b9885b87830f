"""User preferences on this computer, independent of the project: pages of declared settings."""

from __future__ import annotations

import getpass
import json
import logging
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, QSettings, Signal

from clipgen_engine.declared_settings import checked_value, declarations
from clipgen_engine.errors import SettingError
from clipgen_engine.projects.store import Project
from clipgen_engine.settings import AnalysisSettings, DatasetSettings, ExportSettings, RankingSettings, TokenSettings
from clipgen_engine.types import Setting
from clipgen_engine.untrusted import parse_json

_log = logging.getLogger(__name__)
_RANKING_MAPS = ("weights", "gates", "regions")


@dataclass(frozen=True)
class Page:
    """Settings shown and stored together."""

    name: str  # key in the store
    title: str
    note: str  # what they apply to
    settings: tuple[Setting, ...]


_REVIEW = (
    Setting(
        "curator",
        "Curator",
        "Your name, recorded with each decision in the project and its exports. Empty: your user name.",
        "",
        str,
    ),
)

PAGES = (
    Page(
        "analysis",
        "Analysis",
        "These apply to the next analysis. Analysed videos stay as they are until you analyse them again.",
        declarations(AnalysisSettings),
    ),
    Page(
        "tokens",
        "Learned tokens",
        "These apply immediately. Without a checkpoint, blendshapes are used and these settings have no effect."
        " Computed tokens are kept and reused for the same checkpoint, backbone and subject.",
        (*declarations(TokenSettings), next(one for one in declarations(ExportSettings) if one.name == "subject_id")),
    ),
    Page(
        "ranking",
        "Ranking defaults",
        "New projects start with these. Changes in the ranking panel apply to the open project only.",
        declarations(RankingSettings),
    ),
    Page("review", "Review", "These apply immediately.", _REVIEW),
    Page("export", "Export", "The next export starts with these.", declarations(ExportSettings)),
    Page("dataset", "Datasets", "The next export starts with these.", declarations(DatasetSettings)),
)


class Preferences(QObject):
    """Reads and writes the user's settings. Stored values that are invalid in this version are ignored."""

    changed = Signal(str)  # name of the page

    def __init__(self, store: QSettings, parent: QObject | None = None, pages: tuple[Page, ...] = PAGES) -> None:
        """
        Args:
            pages: default to the settings declared by the engine.
        """
        super().__init__(parent)
        self.pages = pages
        self._store = store

    def value(self, page: str, name: str) -> Any:
        """The stored value, or the default."""
        setting = self._setting(page, name)
        stored = self._store.value(f"{page}/{name}")
        if stored is None:
            return setting.default
        try:
            return checked_value(setting, stored)
        except SettingError as error:
            _log.warning("ignoring an invalid stored setting: %s", error)
            return setting.default

    def set_value(self, page: str, name: str, value: Any) -> None:
        """Store a value. The default and None remove the stored value.

        Raises:
            SettingError: the value does not fit the declaration.
        """
        setting = self._setting(page, name)
        if value is None or checked_value(setting, value) == setting.default:
            self._store.remove(f"{page}/{name}")
        else:
            checked = checked_value(setting, value)
            self._store.setValue(f"{page}/{name}", checked if setting.kind in (int, float) else str(checked))
        self.changed.emit(page)

    def reset(self, page: str) -> None:
        """Reset all settings of a page to their defaults."""
        self._store.remove(page)
        self.changed.emit(page)

    def values(self, page: str) -> dict[str, Any]:
        return {setting.name: self.value(page, setting.name) for setting in self._page(page).settings}

    @property
    def analysis(self) -> AnalysisSettings:
        """Settings of the next analysis."""
        return AnalysisSettings(**self.values("analysis"))

    @property
    def tokens(self) -> TokenSettings:
        """Settings of learned tokens."""
        return TokenSettings(**self.values("tokens"))

    @property
    def export(self) -> ExportSettings:
        """Initial settings of the next export."""
        return ExportSettings(**self.values("export"))

    @property
    def dataset(self) -> DatasetSettings:
        """Initial dataset settings of the next export."""
        return DatasetSettings(**self.values("dataset"))

    @property
    def curator(self) -> str:
        """The name recorded with decisions: as set, else the name of the user."""
        named = str(self.value("review", "curator")).strip()
        if named:
            return named
        try:
            return getpass.getuser()
        except (OSError, KeyError):  # the user has no entry in the system's list
            return ""

    @property
    def ranking(self) -> RankingSettings:
        """Ranking settings of new projects."""
        return RankingSettings(**self.values("ranking") | {name: self._numbers(name) for name in _RANKING_MAPS})

    def _numbers(self, name: str) -> dict[str, float]:
        stored = self._store.value(f"ranking/{name}")
        try:
            return {str(key): float(value) for key, value in parse_json(str(stored or "{}")).items()}
        except (ValueError, TypeError, AttributeError):
            _log.warning("ignoring invalid stored %s: %s", name, stored)
            return {}

    def apply_ranking_defaults(self, project: Project) -> None:
        """Write the ranking defaults to a project that has no settings yet."""
        if not project.read_only and not project.settings():
            project.set_settings(self.ranking.as_dict())

    def save_ranking_defaults(self, settings: RankingSettings) -> None:
        """Make these settings, including weights, gates and regions, the defaults of new projects."""
        given = settings.as_dict()
        for name in _RANKING_MAPS:
            self._store.setValue(f"ranking/{name}", json.dumps(given.pop(name)))
        for name, value in given.items():
            self.set_value("ranking", name, value)

    def _page(self, name: str) -> Page:
        return next(page for page in self.pages if page.name == name)

    def _setting(self, page: str, name: str) -> Setting:
        return next(setting for setting in self._page(page).settings if setting.name == name)
