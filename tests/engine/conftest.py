"""Fixtures of the engine's tests: models for learned tokens, made once. torch is imported only where they are used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def small_dinov2() -> Any:
    """A seeded DINOv2 of the real geometry with two layers."""
    pytest.importorskip("torch")
    from tests.checkpoints import made_dinov2

    return made_dinov2()


@pytest.fixture(scope="session")
def model_paths(tmp_path_factory: pytest.TempPathFactory, small_dinov2: Any) -> dict[str, Path]:
    """A folder of that DINOv2, and a checkpoint for it with seven subjects."""
    from tests.checkpoints import LAYOUTS, made_state, saved

    folder = tmp_path_factory.mktemp("models")
    small_dinov2.save_pretrained(folder / "dinov2")
    checkpoint = saved(folder / "c.pt", made_state(LAYOUTS[0]), wrapped=True, config={"num_heads": 4})
    return {"dinov2": folder / "dinov2", "checkpoint": checkpoint}
