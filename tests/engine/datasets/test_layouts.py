"""The contract of all dataset layouts."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from clipgen_engine.datasets.layouts.registry import LAYOUTS
from clipgen_engine.datasets.manifest import MANIFEST_NAME, read_manifest
from clipgen_engine.datasets.request import ExportRequest, ExportSource
from clipgen_engine.datasets.results import ExportStep
from clipgen_engine.types import Analysis
from tests.support.exports import content_of, request_for, run, tree

ALL = tuple(LAYOUTS)


@pytest.mark.parametrize("layout", ALL)
class TestContract:
    """Requirements on each layout."""

    @pytest.fixture
    def request_here(self, layout: str, tmp_path: Path, sources: tuple[ExportSource, ExportSource]) -> ExportRequest:
        return request_for(tmp_path / "out", sources, [layout], name_pattern="{source} {start_frame} {rank}")

    def test_is_deterministic_and_leaves_no_stray_files(
        self, request_here: ExportRequest, analyses: tuple[Analysis, Analysis], tmp_path: Path
    ) -> None:
        out = request_here.output_dir
        result = run(request_here, *analyses)
        assert result.changed_files == len(tree(out)) - 1  # except the manifest
        content, statuses = tree(out), content_of(out)
        listed = read_manifest(out / MANIFEST_NAME).files
        assert content.keys() - {MANIFEST_NAME} == listed.keys()
        assert all(content[path] == stored.sha256 for path, stored in listed.items())
        assert {path for clip in result.clips for path in clip.files} <= {out / path for path in content}

        again = run(request_here, *analyses)
        assert (again.changed_files, again.removed_files) == (0, 0)
        assert {clip.state for clip in again.clips} == {"unchanged"}
        assert content_of(out) == statuses  # not rewritten

        elsewhere = replace(request_here, output_dir=tmp_path / "elsewhere")
        run(elsewhere, *analyses)
        assert tree(elsewhere.output_dir) == content

    def test_rewrites_only_changed_files(
        self, request_here: ExportRequest, analyses: tuple[Analysis, Analysis]
    ) -> None:
        out = request_here.output_dir
        run(request_here, *analyses)
        before = content_of(out)
        (out / "mine.txt").write_text("not from the export")
        first, second = request_here.sources
        fewer = replace(request_here, sources=(first, replace(second, windows=second.windows[:1])))
        run(fewer, *analyses)
        after = content_of(out)
        named = [path for path in after if first.path.stem.split(",")[0] in path]
        assert all(after[path] == before[path] for path in named)
        assert "mine.txt" in after
        fresh = replace(fewer, output_dir=out.with_name("fresh"))
        run(fresh, *analyses)
        assert tree(out) == tree(fresh.output_dir) | {"mine.txt": tree(out)["mine.txt"]}

    def test_resumes_after_cancellation(
        self, request_here: ExportRequest, analyses: tuple[Analysis, Analysis], tmp_path: Path
    ) -> None:
        whole = replace(request_here, output_dir=tmp_path / "whole")
        run(whole, *analyses)
        cancel = threading.Event()

        def report(step: ExportStep) -> None:
            if step.state == "written":
                cancel.set()

        result = run(request_here, *analyses, report=report, cancel=cancel)
        out = request_here.output_dir
        if result.cancelled:  # cut lists finish before the cancellation
            complete = [clip for clip in result.clips if clip.state == "written"]
            assert 0 < len(complete) < 5
            assert tree(out).keys() - {MANIFEST_NAME} == read_manifest(out / MANIFEST_NAME).files.keys()
        run(request_here, *analyses)
        assert tree(out) == tree(whole.output_dir)

    def test_a_missing_source_is_reported_once_and_the_export_continues(
        self, request_here: ExportRequest, analyses: tuple[Analysis, Analysis], tmp_path: Path
    ) -> None:
        first, second = request_here.sources
        gone = replace(first, path=tmp_path / "gone.mp4")
        result = run(replace(request_here, sources=(gone, second)), *analyses)
        assert result.failures == (
            f"{tmp_path / 'gone.mp4'} can no longer be opened. Restore the video, or open it again.",
        )
        assert [clip.state for clip in result.clips] == ["failed"] * 3 + ["written"] * 2
        assert tree(request_here.output_dir)[MANIFEST_NAME]

    def test_a_foreign_file_in_the_way_is_not_touched(
        self, request_here: ExportRequest, analyses: tuple[Analysis, Analysis], tmp_path: Path
    ) -> None:
        probing = replace(request_here, output_dir=tmp_path / "probing")
        run(probing, *analyses)
        path = next(path for path in sorted(tree(probing.output_dir)) if "/" in path)
        foreign = request_here.output_dir / path
        foreign.parent.mkdir(parents=True)
        foreign.write_text("mine")
        result = run(request_here, *analyses)
        assert foreign.read_text() == "mine"
        assert len(result.failures) == 1
        assert "was not written by an export. Move it," in result.failures[0]
        assert tree(request_here.output_dir).keys() >= tree(probing.output_dir).keys() - {path}
