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
    """A test that makes the program log an error fails, unless it says `caplog.clear()` after looking at it."""
    yield
    errors = [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert not errors, errors


@pytest.fixture(autouse=True, scope="session")
def cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache folder for the tests and the programs that they start, not the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def real_clip() -> Any:
    """Gives the path of a real clip by name; skips where the folder of test videos is absent."""

    def path_of(name: str) -> Path:
        path = REAL_CLIPS / name
        if not path.is_file():
            pytest.skip(f"the real test clip {name} is not here")
        return path

    return path_of


@pytest.fixture(scope="session")
def sample_truth() -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((ROOT / "resources" / "sample_truth.json").read_text(encoding="utf-8"))
    return truth


@pytest.fixture(scope="session")
def sample_analysis() -> Analysis:
    """The sample, analysed once for all tests that look at it."""
    return clipgen_engine.analyze_video(SAMPLE)
