from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import clipgen_engine
from clipgen_engine.types import Analysis
from tests.support.paths import REAL_CLIPS, ROOT, SAMPLE


@pytest.fixture(autouse=True)
def no_error_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail tests during which an error is logged, unless they check it and call `caplog.clear()`."""
    yield
    errors = [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert not errors, errors


@pytest.fixture(autouse=True, scope="session")
def temporary_cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Use a temporary cache folder in tests and their subprocesses, not the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def real_clip() -> Any:
    """Return a function that maps the name of a real clip to its path; skip if it is not available."""

    def path_of(name: str) -> Path:
        path = REAL_CLIPS / name
        if not path.is_file():
            pytest.skip(f"the real test clip {name} is not available")
        return path

    return path_of


@pytest.fixture(scope="session")
def sample_truth() -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((ROOT / "resources" / "sample_truth.json").read_text(encoding="utf-8"))
    return truth


@pytest.fixture(scope="session")
def sample_analysis() -> Analysis:
    """The analysis of the sample, shared by all tests."""
    return clipgen_engine.analyze_video(SAMPLE)
