"""Exports end to end: reuse, validation, failures and re-import."""

from __future__ import annotations

import errno
import json
import os
import string
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipgen_engine.clips.writer import ClipJob, write_clips
from clipgen_engine.datasets import export as dataset_export
from clipgen_engine.datasets.analyses import GivenAnalyses
from clipgen_engine.datasets.estimate import estimate_export
from clipgen_engine.datasets.folder import ExportFolder
from clipgen_engine.datasets.manifest import MANIFEST_NAME, Manifest, is_export
from clipgen_engine.datasets.names import check_pattern, safe_name, split_of, unique_names
from clipgen_engine.datasets.reimport import ImportedExport, import_export, new_project_of, read_export
from clipgen_engine.datasets.request import ExportRequest, ExportSource, project_sources
from clipgen_engine.datasets.results import ExportStep
from clipgen_engine.errors import Cancelled, OutputError, ProjectError, SettingError, VideoError
from clipgen_engine.projects.store import Project
from clipgen_engine.settings import DatasetSettings, RankingSettings
from clipgen_engine.types import Analysis, Decision
from tests.support.exports import content_of, request_for, run, source_of, tree

Analyses = tuple[Analysis, Analysis]
Sources = tuple[ExportSource, ExportSource]


def records(folder: Path) -> list[dict[str, Any]]:
    clips: list[dict[str, Any]] = json.loads((folder / "clips" / "clip_metadata.json").read_text("utf-8"))["clips"]
    return clips


# Sharing of encoded clips


def test_a_clip_is_encoded_once_for_all_layouts(tmp_path: Path, analyses: Analyses, sources: Sources) -> None:
    request = request_for(tmp_path, sources[:1], ["plain", "videofolder", "fiftyone"])
    run(request, *analyses)
    inodes = {path: status[0] for path, status in content_of(tmp_path).items() if path.endswith(".mp4")}
    assert len(inodes) == 9
    assert len(set(inodes.values())) == 3


def test_adding_a_layout_later_encodes_nothing(
    tmp_path: Path, analyses: Analyses, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(request_for(tmp_path, sources, ["webdataset"]), *analyses)
    monkeypatch.setattr(dataset_export, "write_clips", _assert_no_jobs)
    result = run(request_for(tmp_path, sources, ["plain"]), *analyses)  # extracted from the shards
    assert [clip.state for clip in result.clips] == ["unchanged"] * 5
    assert (tmp_path / "webdataset" / "train-000000.tar").exists()  # from the first export, not removed
    assert all((tmp_path / "clips" / record["clip_path"]).is_file() for record in records(tmp_path))


def _assert_no_jobs(video: Any, jobs: list[ClipJob], *args: Any, **options: Any) -> None:
    assert not jobs


# Records


def test_records_contain_provenance(tmp_path: Path, analyses: Analyses, sources: Sources) -> None:
    run(request_for(tmp_path, sources, ["plain"], {"crop": "face", "size": 64}), *analyses)
    for record, clip in zip(records(tmp_path), sorted((tmp_path / "clips").glob("*.mp4")), strict=False):
        path = tmp_path / "clips" / record["clip_path"]
        assert record["sha256"] == tree(tmp_path)[f"clips/{record['clip_path']}"], clip
        assert record["size_bytes"] == path.stat().st_size
        analysis = next(one for one in analyses if one.video.fingerprint == record["source_fingerprint"])
        video = analysis.video
        assert record["source"] == video.path.name
        assert record["start_pts"] == video.pts[record["start_frame"]]
        assert record["end_pts"] == video.pts[record["end_frame"]]
        assert record["stop_time_s"] == pytest.approx(float(video.times_s[record["end_frame"] + 1]), abs=1e-6)
        assert record["combined_score"] == sum(
            weight * record[name] for name, weight in record["weights"].items() if weight
        )
        assert record["crop"]["start_frame"] == record["start_frame"]
        assert len(record["crop"]["side_px"]) == record["frame_count"]
        assert len(record["box_xywh_px"]) == 4
        assert record["decided_at"] == "2026-11-22T10:00:00.000+00:00"
        assert record["model_sha256"] == {"made": "0" * 64}
        assert {
            "analysis_settings",
            "ranking_settings",
            "export_settings",
            "versions",
            "token_backend",
        } <= record.keys()
    assert {record["subject_id"] for record in records(tmp_path)} == {0, "Ána"}
    assert records(tmp_path)[0]["tags"] == ["smile", "eyes, wide"]


def test_the_contact_sheet_is_self_contained(tmp_path: Path, analyses: Analyses, sources: Sources) -> None:
    run(request_for(tmp_path, sources, ["losslesscut"]), *analyses)
    page = (tmp_path / "index.html").read_text("utf-8")
    assert page.count("<figure>") == page.count('src="data:image/jpeg;base64,') == 5
    assert "http" not in page
    assert "<b>markup</b>" not in page
    assert "&lt;b&gt;markup&lt;/b&gt;" in page
    assert "5 clips of 2 videos" in page


# Failures


def test_killed_exports_resume_to_an_identical_result() -> None:
    if sys.platform == "win32":
        pytest.skip("requires fork")
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.killed_exports", "6", "11", "12"],
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr
    assert "file changes an export was killed at" in done.stdout


def test_a_full_disk_keeps_finished_clips(
    tmp_path: Path, analyses: Analyses, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_for(tmp_path, sources, ["plain"])

    def filling(video: Any, jobs: list[ClipJob], export: Any, *, on_clip: Callable[..., None], **options: Any) -> None:
        write_clips(video, jobs[:1], export, on_clip=on_clip, **options)
        error = OutputError("The disk is full", "Free some space")
        error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
        on_clip(jobs[1], error)

    with monkeypatch.context() as patched:
        patched.setattr(dataset_export, "write_clips", filling)
        with pytest.raises(OutputError, match="The disk is full"):
            run(request, *analyses)
    assert len(records(tmp_path)) == 1
    result = run(request, *analyses)
    assert sorted(clip.state for clip in result.clips) == ["unchanged"] + ["written"] * 4
    assert not (tmp_path / ".clipgen_export").exists()


def test_a_disk_that_fills_during_the_commit_changes_nothing(
    tmp_path: Path, analyses: Analyses, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(request_for(tmp_path, sources[:1], ["plain"]), *analyses)
    before = tree(tmp_path)

    def full(source: Any, target: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "link", full)
        with pytest.raises(OutputError, match="The disk is full"):
            run(request_for(tmp_path, sources, ["plain"]), *analyses)
    assert {path: sha for path, sha in tree(tmp_path).items() if not path.startswith(".clipgen_export")} == before
    result = run(request_for(tmp_path, sources, ["plain"]), *analyses)
    assert [clip.state for clip in result.clips] == ["unchanged"] * 3 + ["written"] * 2


def test_without_hard_links_files_are_copied(
    tmp_path: Path, analyses: Analyses, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(source: Any, target: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    run(request_for(tmp_path / "linked", sources, ["plain", "fiftyone"]), *analyses)
    monkeypatch.setattr(os, "link", refused)
    run(request_for(tmp_path / "copied", sources, ["plain", "fiftyone"]), *analyses)
    assert tree(tmp_path / "copied") == tree(tmp_path / "linked")


def test_exported_clips_are_kept_if_their_source_is_missing(
    tmp_path: Path, analyses: Analyses, sources: Sources
) -> None:
    out = tmp_path / "out"
    run(request_for(out, sources, ["plain", "videofolder"]), *analyses)
    before = {path: sha for path, sha in tree(out).items() if path.endswith(".mp4")}
    first, second = sources
    gone = replace(first, path=tmp_path / "gone.mp4")
    again = request_for(out, [gone, second], ["plain", "videofolder"])
    assert run(again, *analyses).failures == ()  # the source is not needed
    result = run(replace(again, export=replace(again.export, crf=40)), *analyses)
    assert len(result.failures) == 1
    assert [clip.state for clip in result.clips] == ["kept"] * 3 + ["written"] * 2
    assert "The previously exported version was kept." in result.clips[0].sentence
    after = tree(out)
    listed = {record["clip_path"]: record for record in records(out)}
    assert len(listed) == 5
    for record in listed.values():
        assert after[f"clips/{record['clip_path']}"] == record["sha256"]
        kept = record["source"] == first.path.name
        assert record["export_settings"]["crf"] == (16 if kept else 40)
        assert (before.get(f"clips/{record['clip_path']}") == record["sha256"]) == kept


def test_damaged_and_missing_files_are_restored(tmp_path: Path, analyses: Analyses, sources: Sources) -> None:
    request = request_for(tmp_path, sources, ["plain", "webdataset"])
    run(request, *analyses)
    before = tree(tmp_path)
    clips = sorted((tmp_path / "clips").glob("*.mp4"))
    clips[0].unlink()
    clips[1].write_bytes(b"damaged")
    (tmp_path / "webdataset" / "train-000000.tar").write_bytes(b"damaged")
    run(request, *analyses)
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (lambda out: out.write_text("a file"), "could not be written to"),
        (lambda out: _write(out / MANIFEST_NAME, "{"), "is damaged or not an export manifest"),
        (
            lambda out: _write(out / MANIFEST_NAME, '{"kind": "clipgen export", "schema_version": 99}'),
            "a newer clipgen",
        ),
    ],
)
def test_an_unusable_folder_is_reported_in_one_sentence(
    tmp_path: Path, analyses: Analyses, sources: Sources, prepare: Callable[[Path], object], says: str
) -> None:
    out = tmp_path / "out"
    prepare(out)
    with pytest.raises(OutputError, match=says):
        run(request_for(out, sources), *analyses)
    assert not (out / ".clipgen_export").exists()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text)


def test_concurrent_exports_are_refused(tmp_path: Path, analyses: Analyses, sources: Sources) -> None:
    with ExportFolder(tmp_path), pytest.raises(OutputError, match="Another export is writing"):
        run(request_for(tmp_path, sources), *analyses)


def test_a_failed_clip_is_reported_and_the_export_continues(
    tmp_path: Path, analyses: Analyses, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(video: Any, jobs: list[ClipJob], export: Any, *, on_clip: Callable[..., None], **options: Any) -> None:
        on_clip(jobs[0], VideoError("It does not decode", "Copy it again"))
        write_clips(video, jobs[1:], export, on_clip=on_clip, **options)

    monkeypatch.setattr(dataset_export, "write_clips", failing)
    steps: list[ExportStep] = []
    result = run(request_for(tmp_path, sources[:1], ["plain", "webdataset"]), *analyses, report=steps.append)
    name = result.clips[0].name
    assert result.failures == (f"{name}: It does not decode. Copy it again.",)
    assert [step.sentence for step in steps if step.state == "failed"] == list(result.failures)
    assert {step.clip for step in steps if step.state == "written"} == {clip.name for clip in result.clips[1:]}
    assert len(records(tmp_path)) == 2


def test_an_earlier_run_without_a_manifest_is_adopted(tmp_path: Path, analyses: Analyses, sources: Sources) -> None:
    run(request_for(tmp_path, sources), *analyses)
    (tmp_path / MANIFEST_NAME).unlink()
    (tmp_path / "index.html").unlink()
    result = run(request_for(tmp_path, sources[:1]), *analyses)
    assert not result.failures
    assert len(list((tmp_path / "clips").glob("*.mp4"))) == 3


# Names and splits


@settings(max_examples=40)
@given(st.text(max_size=300))
def test_safe_names_are_portable(text: str) -> None:
    name = safe_name(text)
    assert 0 < len(name.encode()) <= 201
    assert not set(name) & set('<>:"/\\|?*.\0\n\t')
    assert name == name.strip(" ") or name == "_"
    assert name.lower() not in ("con", "nul", "com1")
    assert safe_name(name) == name


@given(st.lists(st.sampled_from(["a", "A", "b", "ß", "SS"]), max_size=8))
def test_unique_names_are_unique_and_independent(names: list[str]) -> None:
    unique = unique_names(dict(enumerate(names)))
    assert len({name.casefold() for name in unique.values()}) == len(names)
    assert all(unique[key].startswith(name) for key, name in enumerate(names))


@pytest.mark.parametrize("pattern", ["", "{nonsense}", "{rank", "{rank.real}", "{source[0]}", "{rank:s}", "{}", "{0}"])
def test_an_invalid_pattern_is_refused(pattern: str, tmp_path: Path, analyses: Analyses, sources: Sources) -> None:
    with pytest.raises(SettingError):
        check_pattern(pattern)
    with pytest.raises(SettingError):
        run(request_for(tmp_path / "out", sources, name_pattern=pattern), *analyses)
    assert not (tmp_path / "out").exists()


def test_colliding_names_are_disambiguated(tmp_path: Path, analyses: Analyses, sources: Sources) -> None:
    result = run(request_for(tmp_path, sources, name_pattern="clip {track_id}"), *analyses)
    assert len({path for clip in result.clips for path in clip.files}) == 5
    assert all(clip.name.startswith("clip 0_") for clip in result.clips)


@given(
    st.integers(0, 5),
    st.floats(0, 0.5),
    st.floats(0, 0.5),
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(string.ascii_letters)), max_size=30),
)
def test_no_subject_or_video_is_in_two_splits(
    seed: int, test: float, validation: float, clips: list[tuple[str, str]]
) -> None:
    dataset = DatasetSettings(split_seed=seed, test_share=test, validation_share=validation)
    splits: dict[str, set[str]] = {}
    for subject, video in clips:
        record = {"subject_id": subject, "source_fingerprint": video}
        splits.setdefault(f"subject {subject}", set()).add(split_of(record, True, dataset))
        splits.setdefault(f"video {video}", set()).add(split_of(record, False, dataset))
        by_video = replace(dataset, split_by="video")
        splits.setdefault(f"video {video}", set()).add(split_of(record, True, by_video))
    assert all(len(found) == 1 for found in splits.values())


def test_split_shares_are_met_for_many_subjects() -> None:
    dataset = DatasetSettings(test_share=0.1, validation_share=0.2)
    found = [split_of({"subject_id": str(number)}, True, dataset) for number in range(3000)]
    assert found.count("test") / 3000 == pytest.approx(0.1, abs=0.03)
    assert found.count("validation") / 3000 == pytest.approx(0.2, abs=0.03)


# Estimates and re-import


def test_the_estimate_excludes_existing_clips(tmp_path: Path, analyses: Analyses, sources: Sources) -> None:
    out = tmp_path / "out"
    request = request_for(out, sources, ["plain", "webdataset", "hdf5"])
    given_analyses = GivenAnalyses(analyses)
    before = estimate_export(request, given_analyses)
    assert (before.clips, before.new_clips, before.new_frames) == (5, 5, 21)
    assert before.size_bytes > 21 * 518 * 518
    assert before.seconds > 0
    assert not out.exists()
    run(request, *analyses)
    assert estimate_export(request, given_analyses).new_clips == 0
    assert estimate_export(request, given_analyses).size_bytes == 0
    with pytest.raises(OutputError, match="is needed, but"):
        replace(before, free_bytes=1000).check(out)


def test_an_export_is_imported_into_a_project(tmp_path: Path, analyses: Analyses, sources: Sources) -> None:
    rejected = source_of(analyses[0], [(30, 35)], decision=Decision.REJECTED).windows
    first = replace(sources[0], windows=sources[0].windows + rejected)
    with Project(tmp_path / "first.clipgen") as project:
        project.set_settings(RankingSettings(sequence_length=7).as_dict())
        for source in (first, sources[1]):
            video = project.add_video(source.path, source.fingerprint)
            project.save_reviews(video.video_id, {window.sequence.key: window for window in source.windows})
            for track_id, subject in source.subjects.items():
                project.set_subject(video.video_id, track_id, subject)
        stored = project_sources(project)
    run(replace(request_for(tmp_path / "out", stored), ranking=RankingSettings(sequence_length=7)), *analyses)
    with Project(tmp_path / "second.clipgen") as project:
        assert import_export(read_export(tmp_path / "out"), project) == 6
        assert project.settings() == RankingSettings(sequence_length=7).as_dict()
        again = project_sources(project)
        assert import_export(read_export(tmp_path / "out" / MANIFEST_NAME), project) == 0
    assert [_content(source) for source in again] == [_content(source) for source in stored]
    assert [is_export(path) for path in (tmp_path / "out", tmp_path / "out" / MANIFEST_NAME, tmp_path)] == [1, 1, 0]
    with pytest.raises(OutputError, match="is not an export folder"):
        read_export(tmp_path)


def test_manifest_paths_do_not_depend_on_the_working_directory(
    tmp_path: Path, analyses: Analyses, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sources[1].path.parent)
    here = replace(sources[1], path=Path(sources[1].path.name))
    run(request_for(tmp_path / "out", [here], ["losslesscut"]), *analyses)
    assert [source.path for source in read_export(tmp_path / "out").sources] == [sources[1].path]


def test_curators_and_reasons_come_back_and_older_exports_have_none(
    tmp_path: Path, analyses: Analyses, sources: Sources
) -> None:
    first, second = sources[0].windows[:2]
    windows = (
        replace(first, decided_by="Anna"),
        replace(second, decision=Decision.REJECTED, decided_by="Ben", reason="eyes closed"),
    )
    run(request_for(tmp_path, [replace(sources[0], windows=windows)]), *analyses)
    (clip,) = json.loads((tmp_path / "clips" / "clip_metadata.json").read_text())["clips"]
    assert (clip["decided_by"], clip["reason"]) == ("Anna", "")

    def imported() -> list[tuple[str, str]]:
        (source,) = read_export(tmp_path).sources
        return [(one.decided_by, one.reason) for one in source.windows]

    assert imported() == [("Anna", ""), ("Ben", "eyes closed")]
    manifest = tmp_path / "clipgen_export.json"
    content = json.loads(manifest.read_text())
    records = content["sources"][0]["windows"]
    records[0]["reason"] = "of an accepted window"
    manifest.write_text(json.dumps(content))
    assert imported()[0] == ("Anna", "")
    for record in records:
        del record["decided_by"], record["reason"]
    manifest.write_text(json.dumps(content))
    assert imported() == [("", "")] * 2


def test_a_project_is_created_from_an_export_atomically(tmp_path: Path, sources: Sources) -> None:
    export = ImportedExport(sources, RankingSettings(), Manifest())
    target = tmp_path / "new" / "Ünï.clipgen"
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        new_project_of(export, target, cancel)
    assert list(tmp_path.iterdir()) == []
    new_project_of(export, target)
    assert list(target.parent.iterdir()) == [target]
    before = target.read_bytes()
    with pytest.raises(OutputError, match=r"Ünï.clipgen already exists. Choose another name"):
        new_project_of(replace(export, sources=()), target)
    assert target.read_bytes() == before
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="could not be written to"):
        new_project_of(export, tmp_path / "file" / "a.clipgen")


def test_an_export_is_imported_in_one_transaction(tmp_path: Path, sources: Sources) -> None:
    bad = replace(sources[1], subjects={2**70: "too large for SQLite"})
    with Project(tmp_path / "a.clipgen") as project:
        with pytest.raises(OverflowError):
            import_export(ImportedExport((sources[0], bad), RankingSettings(), Manifest()), project)
        assert (project.videos(), project.settings()) == ([], {})
        video = project.add_video(sources[0].path, sources[0].fingerprint)
        key = sources[0].windows[0].sequence.key
        own = replace(sources[0].windows[0], note="mine")
        project.save_reviews(video.video_id, {key: own})
        assert import_export(ImportedExport(sources, RankingSettings(), Manifest()), project) == 4
        assert project.windows(video.video_id)[key].note == "mine"
        with Project(tmp_path / "a.clipgen") as second, pytest.raises(ProjectError, match="open in another window"):
            import_export(ImportedExport(sources, RankingSettings(), Manifest()), second)


def _content(source: ExportSource) -> tuple[Any, ...]:
    decided = [window.decided_at for window in source.windows]
    return source.path, source.fingerprint, source.windows, decided, dict(source.subjects)


def test_a_request_lists_each_clip_once(sources: Sources, tmp_path: Path) -> None:
    request: ExportRequest = request_for(tmp_path, sources)
    identities = [item.identity for item in request.items()]
    assert len(set(identities)) == len(identities) == 5
    assert [item.number for item in request.items()] == [1, 2, 3, 4, 5]
    assert [item.sequence.rank for item in request.items()] == [1, 2, 3, 1, 2]
