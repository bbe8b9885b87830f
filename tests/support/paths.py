"""Paths of project files used by the tests."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "resources" / "sample.mp4"
REAL_CLIPS = ROOT.parent / "shared" / "data" / "videos"
FIXTURES = ROOT / "tests" / "fixtures"
