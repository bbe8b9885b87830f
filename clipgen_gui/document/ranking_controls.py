"""The ranking settings of the open project: applied live, undone per gesture, saved with a delay."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoStack

from clipgen_engine.declared_settings import declarations
from clipgen_engine.ranking.gates import GATES
from clipgen_engine.ranking.presets import PRESETS, with_preset
from clipgen_engine.ranking.terms import REGION_MULTIPLIERS, TERMS, default_multipliers
from clipgen_engine.settings import RankingSettings
from clipgen_gui.document.undo import ChangeSettings

_GESTURE_S = 0.8  # typing or wheel steps without a longer pause form one undo step
_SAVE_MS = 400


class RankingControls(QObject):
    """The model behind the sliders and boxes of the ranking panel."""

    changed = Signal()

    def __init__(
        self,
        settings: RankingSettings,
        undo_stack: QUndoStack,
        save: Callable[[RankingSettings], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self.settings = settings
        self._undo_stack, self._save = undo_stack, save
        self._gesture = 0
        self._held = False
        self._changed_s = 0.0
        self._save_timer = QTimer(self)  # coalesces the changes of a drag
        self._save_timer.setSingleShot(True)
        self._save_timer.setInterval(_SAVE_MS)
        self._save_timer.timeout.connect(self.save_now)

    @property
    def shown_terms(self) -> tuple[str, ...]:
        """Score terms with a nonzero current or default weight; views omit the others."""
        weights = self.settings.weights
        return tuple(
            name for name, term in TERMS.items() if term.weight.default or weights.get(name, term.weight.default)
        )

    def set_weight(self, term: str, value: float) -> None:
        weights = {name: one.weight.default for name, one in TERMS.items()}
        self._change(
            f"Change weight of {TERMS[term].label}", term, weights=_with(self.settings.weights, weights, term, value)
        )

    def set_gate(self, gate: str, threshold: float) -> None:
        thresholds = {name: one.threshold.default for name, one in GATES.items()}
        self._change(
            f"Change gate {GATES[gate].label}", gate, gates=_with(self.settings.gates, thresholds, gate, threshold)
        )

    def set_regions(self, multipliers: Mapping[str, float], text: str = "") -> None:
        """Change the multipliers of these regions."""
        regions, defaults = self.settings.regions, default_multipliers(self.settings)
        for region, value in multipliers.items():
            regions = _with(regions, defaults, region, value)
            text = text or f"Change region {REGION_MULTIPLIERS[region].label}"
        self._change(text, text, regions=regions)

    def set_setting(self, name: str, value: Any) -> None:
        """Change a declared ranking setting by name."""
        label = next(one.label for one in declarations(RankingSettings) if one.name == name)
        self._change(f"Change {label}", name, **{name: value})

    def apply_preset(self, name: str) -> None:
        """Use the gates and regions of a preset."""
        preset = with_preset(self.settings, name)
        self._change(f"Use preset {PRESETS[name].label}", name, gates=preset.gates, regions=preset.regions)

    def hold(self, on: bool) -> None:
        """Begin or end a drag. All changes in between form one undo step, however long it takes."""
        self._held = on
        self._gesture += 1

    def replace_all(self, settings: RankingSettings) -> None:
        """Replace the settings without an undo step, as undo commands and project changes do."""
        if settings != self.settings:
            self.settings = settings
            self.changed.emit()
            if not self._save_timer.isActive():  # a continuous drag must not postpone saving
                self._save_timer.start()

    def save_now(self) -> None:
        """Save without waiting for the timer."""
        self._save_timer.stop()
        self._save(self.settings)

    def current_gesture(self) -> int:
        """Id of the gesture that a change made now belongs to."""
        changed_s = time.monotonic()
        if not self._held and changed_s - self._changed_s > _GESTURE_S:
            self._gesture += 1
        self._changed_s = changed_s
        return self._gesture

    def _change(self, text: str, what: str, **changes: Any) -> None:
        changed = replace(self.settings, **changes)
        if changed != self.settings:
            gesture = what, self.current_gesture()
            self._undo_stack.push(ChangeSettings(self.replace_all, self.settings, changed, gesture, text))


def _with(given: Mapping[str, float], defaults: Mapping[str, float], name: str, value: float) -> dict[str, float]:
    """Copy the values with one changed, omitting values equal to their default."""
    changed = {**given, name: value}
    return {one: changed[one] for one in changed if changed[one] != defaults[one]}
