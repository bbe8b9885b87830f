"""The settings of the ranking as the app holds them: changed live, undone by gestures, stored soon after."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoStack

from clipgen_engine.declared_settings import declarations
from clipgen_engine.projects.store import Project
from clipgen_engine.ranking.gates import GATES
from clipgen_engine.ranking.presets import PRESETS, with_preset
from clipgen_engine.ranking.terms import REGION_MULTIPLIERS, TERMS
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Setting
from clipgen_gui.document.storage import Memory
from clipgen_gui.document.undo import ChangeSettings

_GESTURE_S = 0.8  # typing and turning the wheel without a longer pause are one step to undo
_KEEP_SETTINGS_MS = 400


class SettingsDocument(QObject):
    """The settings part of the session, and its undo stack."""

    settings_changed = Signal()
    refused = Signal(str)  # what was asked for cannot be; the sentence says why

    def __init__(self, project: Project | None, parent: QObject | None) -> None:
        super().__init__(parent)
        self.memory = Memory(project, self.refused.emit)
        self.settings = self.memory.settings()
        self.undo_stack = QUndoStack(self)
        self._gesture = 0
        self._held = False
        self._changed_s = 0.0
        self._keep_timer = QTimer(self)  # a drag is stored now and then, not at each step
        self._keep_timer.setSingleShot(True)
        self._keep_timer.setInterval(_KEEP_SETTINGS_MS)
        self._keep_timer.timeout.connect(self._keep_settings)

    @property
    def shown_terms(self) -> tuple[str, ...]:
        """Score terms that count now, or would by default; the others would only crowd the views."""
        weights = self.settings.weights
        return tuple(
            name for name, term in TERMS.items() if term.weight.default or weights.get(name, term.weight.default)
        )

    def set_weight(self, term: str, value: float) -> None:
        weights = {name: one.weight for name, one in TERMS.items()}
        self._change(
            f"Change weight of {TERMS[term].label}", term, weights=_with(self.settings.weights, weights, term, value)
        )

    def set_gate(self, gate: str, threshold: float) -> None:
        thresholds = {name: one.threshold for name, one in GATES.items()}
        self._change(
            f"Change gate {GATES[gate].label}", gate, gates=_with(self.settings.gates, thresholds, gate, threshold)
        )

    def set_regions(self, multipliers: Mapping[str, float], text: str = "") -> None:
        """Change the multipliers of these regions."""
        regions = self.settings.regions
        for region, value in multipliers.items():
            regions = _with(regions, REGION_MULTIPLIERS, region, value)
            text = text or f"Change region {REGION_MULTIPLIERS[region].label}"
        self._change(text, text, regions=regions)

    def set_setting(self, name: str, value: Any) -> None:
        """Change a declared ranking setting by its name."""
        label = next(one.label for one in declarations(RankingSettings) if one.name == name)
        self._change(f"Change {label}", name, **{name: value})

    def apply_preset(self, name: str) -> None:
        """Take over gates and regions of a preset."""
        preset = with_preset(self.settings, name)
        self._change(f"Use preset {PRESETS[name].label}", name, gates=preset.gates, regions=preset.regions)

    def hold(self, on: bool) -> None:
        """A handle was taken or let go: what changes in between is one step to undo, however long it takes."""
        self._held = on
        self._gesture += 1

    def _change(self, text: str, what: str, **changes: Any) -> None:
        changed = replace(self.settings, **changes)
        if changed == self.settings:
            return
        step = ChangeSettings(self._take_settings, self.settings, changed, (what, self._gesture_now()), text)
        self.undo_stack.push(step)

    def _gesture_now(self) -> int:
        """Number of the gesture that a change made at this moment belongs to."""
        changed_s = time.monotonic()
        if not self._held and changed_s - self._changed_s > _GESTURE_S:
            self._gesture += 1
        self._changed_s = changed_s
        return self._gesture

    def _take_settings(self, settings: RankingSettings) -> None:
        if settings != self.settings:
            self.settings = settings
            self.settings_changed.emit()
            if not self._keep_timer.isActive():  # a drag without a rest must not put it off
                self._keep_timer.start()

    def _keep_settings(self) -> None:
        self._keep_timer.stop()
        self.memory.keep_settings(self.settings)


def _with(given: Mapping[str, float], declared: Mapping[str, Setting], name: str, value: float) -> dict[str, float]:
    """The given values with another one; what is as declared need not be given."""
    changed = {**given, name: value}
    return {one: changed[one] for one in changed if changed[one] != declared[one].default}
