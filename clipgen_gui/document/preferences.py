"""What the user prefers on this computer, whatever is open: one page of declared settings for each part of the work."""

from __future__ import annotations

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

_log = logging.getLogger(__name__)
_RANKING_MAPS = ("weights", "gates", "regions")


@dataclass(frozen=True)
class Page:
    """Settings that are shown and stored together."""

    name: str  # under which they are stored
    title: str
    note: str  # what they apply to
    settings: tuple[Setting, ...]


PAGES = (
    Page(
        "analysis",
        "Analysis",
        "These apply to the next analysis. A video that was analysed stays as it is until you analyse it again.",
        declarations(AnalysisSettings),
    ),
    Page(
        "tokens",
        "Learned tokens",
        "These apply at once. Without a checkpoint the blendshapes serve, and nothing here matters. Tokens that were"
        " made are kept, and serve again whenever you come back to the same checkpoint, backbone and subject.",
        (*declarations(TokenSettings), next(one for one in declarations(ExportSettings) if one.name == "subject_id")),
    ),
    Page(
        "ranking",
        "Ranking defaults",
        "A new project starts with these. What you change in the ranking panel belongs to the project that is open.",
        declarations(RankingSettings),
    ),
    Page("export", "Export", "The next export starts with these.", declarations(ExportSettings)),
    Page("dataset", "Datasets", "The next export starts with these.", declarations(DatasetSettings)),
)


class Preferences(QObject):
    """Reads and writes the user's own store. A stored value that this version does not know counts as not stored."""

    changed = Signal(str)  # name of the page

    def __init__(self, store: QSettings, parent: QObject | None = None, pages: tuple[Page, ...] = PAGES) -> None:
        """
        Args:
            pages: what can be preferred; else what the engine declares.
        """
        super().__init__(parent)
        self.pages = pages
        self._store = store

    def value(self, page: str, name: str) -> Any:
        """The setting as it is, or its default."""
        setting = self._setting(page, name)
        stored = self._store.value(f"{page}/{name}")
        if stored is None:
            return setting.default
        try:
            return checked_value(setting, stored)
        except SettingError as error:
            _log.warning("a stored setting does not fit and is left out: %s", error)
            return setting.default

    def set_value(self, page: str, name: str, value: Any) -> None:
        """Keep a value; the default and None are kept by forgetting it.

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
        """All settings of the page as declared."""
        self._store.remove(page)
        self.changed.emit(page)

    def values(self, page: str) -> dict[str, Any]:
        return {setting.name: self.value(page, setting.name) for setting in self._page(page).settings}

    @property
    def analysis(self) -> AnalysisSettings:
        """What the next analysis runs with."""
        return AnalysisSettings(**self.values("analysis"))

    @property
    def tokens(self) -> TokenSettings:
        """What learned tokens are made with."""
        return TokenSettings(**self.values("tokens"))

    @property
    def export(self) -> ExportSettings:
        """What the next export starts with."""
        return ExportSettings(**self.values("export"))

    @property
    def dataset(self) -> DatasetSettings:
        """How the next export names and divides."""
        return DatasetSettings(**self.values("dataset"))

    @property
    def ranking(self) -> RankingSettings:
        """What a new project starts with."""
        return RankingSettings(**self.values("ranking") | {name: self._numbers(name) for name in _RANKING_MAPS})

    def _numbers(self, name: str) -> dict[str, float]:
        stored = self._store.value(f"ranking/{name}")
        try:
            return {str(key): float(value) for key, value in json.loads(str(stored or "{}")).items()}
        except (ValueError, TypeError, AttributeError):
            _log.warning("stored %s do not fit and are left out: %s", name, stored)
            return {}

    def begin(self, project: Project) -> None:
        """Give a project that has no settings yet those that new projects start with."""
        if not project.read_only and not project.settings():
            project.set_settings(self.ranking.as_dict())

    def take_ranking(self, settings: RankingSettings) -> None:
        """Let a new project start with these settings, their weights, gates and regions included."""
        given = settings.as_dict()
        for name in _RANKING_MAPS:
            self._store.setValue(f"ranking/{name}", json.dumps(given.pop(name)))
        for name, value in given.items():
            self.set_value("ranking", name, value)

    def _page(self, name: str) -> Page:
        return next(page for page in self.pages if page.name == name)

    def _setting(self, page: str, name: str) -> Setting:
        return next(setting for setting in self._page(page).settings if setting.name == name)
