"""Tampered export folders: nothing outside is read, written or removed, and nothing crashes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clipgen_engine.datasets.export import ExportResult
from clipgen_engine.datasets.reimport import read_export
from clipgen_engine.datasets.request import ExportSource
from clipgen_engine.errors import OutputError
from clipgen_engine.types import Analysis
from tests.support.exports import request_for, run, tree

Content = dict[str, Any]
LAYOUTS = ("plain", "webdataset")


@pytest.fixture
def exported(tmp_path: Path, analyses: tuple[Analysis, ...], sources: tuple[ExportSource, ...]) -> Path:
    """An export next to an unrelated folder."""
    (tmp_path / "victim" / "inner").mkdir(parents=True)
    (tmp_path / "victim" / "precious.txt").write_text("precious")
    (tmp_path / "victim" / "inner" / "more.txt").write_text("more")
    run(request_for(tmp_path / "export", sources, LAYOUTS), *analyses)
    return tmp_path / "export"


@pytest.fixture
def again(
    exported: Path, analyses: tuple[Analysis, ...], sources: tuple[ExportSource, ...]
) -> Callable[[], ExportResult]:
    """Export fewer windows to the same folder, so that files must be removed."""
    return lambda: run(request_for(exported, sources[:1], LAYOUTS), *analyses)


def forge(path: Path, change: Callable[[Content], object]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def entry_of(content: Content, **changes: Any) -> Content:
    return {**next(iter(content["files"].values())), "role": "made", **changes}


def paths_outside(folder: Path) -> list[str]:
    victim = folder.parent / "victim"
    return [
        "../victim",
        str(victim),
        "clips/../../victim",
        "clips/../../victim/precious.txt",
        "link/precious.txt",
        "link",
        "..",
        ".",
    ]


@pytest.mark.parametrize("number", range(8))
def test_entries_outside_the_folder_are_ignored_and_reported(
    exported: Path, again: Callable[[], ExportResult], number: int
) -> None:
    (exported / "link").symlink_to(exported.parent / "victim")
    path = paths_outside(exported)[number]
    forge(exported / "clipgen_export.json", lambda content: content["files"].update({path: entry_of(content)}))
    before = tree(exported.parent / "victim")
    result = again()
    assert tree(exported.parent / "victim") == before
    assert (exported / "link").is_symlink()
    assert [clip.state for clip in result.clips] == ["unchanged"] * 3
    (sentence,) = result.failures
    assert "entries that no export writes" in sentence
    assert repr(path) in sentence


@pytest.mark.parametrize("folder", ["clips", "webdataset"])
def test_a_symlinked_folder_is_not_followed(exported: Path, again: Callable[[], ExportResult], folder: str) -> None:
    """A layout folder was moved away and replaced by a symlink."""
    elsewhere = exported.parent / "victim" / "moved"
    shutil.move(exported / folder, elsewhere)
    (exported / folder).symlink_to(elsewhere)
    before = tree(elsewhere)
    result = again()
    assert tree(elsewhere) == before
    assert any("already exists" in sentence for sentence in result.failures)


def test_a_foreign_folder_listed_in_the_manifest_is_kept(exported: Path, again: Callable[[], ExportResult]) -> None:
    mine = exported / "clips" / "mine"
    (mine / "deep").mkdir(parents=True)
    (mine / "deep" / "a.txt").write_text("mine")
    forge(exported / "clipgen_export.json", lambda content: content["files"].update({"clips/mine": entry_of(content)}))
    result = again()
    assert (mine / "deep" / "a.txt").read_text() == "mine"
    assert any("left in place" in sentence and "clips/mine" in sentence for sentence in result.failures)


def test_a_modified_clip_is_kept_and_reported(exported: Path, again: Callable[[], ExportResult]) -> None:
    clips = json.loads((exported / "clips" / "clip_metadata.json").read_text(encoding="utf-8"))["clips"]
    changed = exported / "clips" / next(clip["clip_path"] for clip in clips if clip["source"] == "b.c.mp4")
    changed.write_bytes(b"edited by hand")
    result = again()
    assert changed.read_bytes() == b"edited by hand"
    assert any("left in place" in sentence and changed.name in sentence for sentence in result.failures)


def _set(**values: Any) -> Callable[[Content], object]:
    def change(content: Content) -> None:
        for entry in content["files"].values():
            entry.update(values)

    return change


def _rekey(section: str, key: str) -> Callable[[Content], object]:
    return lambda content: content[section].update({key: next(iter(content[section].values()))})


def _every_clip(**values: Any) -> Callable[[Content], object]:
    def change(content: Content) -> None:
        for entry in content["clips"].values():
            entry.update(values)

    return change


FORGERIES: dict[str, Callable[[Content], object]] = {
    "key outside": _set(key="../../victim/precious"),
    "invalid hash": _set(sha256="x"),
    "size not a number": _set(size_bytes="1"),
    "negative size": _set(size_bytes=-1),
    "unknown role": _set(role="king"),
    "unknown layout": _set(layout="../victim"),
    "member outside": _set(members={"0" * 64: "../../victim/precious.txt"}),
    "member key outside": _set(members={"../../victim": "a"}),
    "media key outside": _rekey("media", "../../../victim/precious"),
    "empty media": lambda content: content.update(media={key: {} for key in content["media"]}),
    "clip media key outside": _every_clip(media_key="../../victim/precious.txt"),
    "suffix outside": _every_clip(suffix="/../../../victim/precious.txt"),
    "empty facts": _every_clip(facts={}),
    "null facts": _every_clip(facts=None),
    "clip files outside": _every_clip(files={"plain": ["../victim/precious.txt"]}),
}


@pytest.mark.parametrize("name", FORGERIES)
@pytest.mark.parametrize("where", ["clipgen_export.json", ".clipgen_export/plan.json"])
def test_forged_entries_do_no_harm(exported: Path, again: Callable[[], ExportResult], name: str, where: str) -> None:
    target = exported / where
    if not target.exists():
        target.parent.mkdir()
        shutil.copy(exported / "clipgen_export.json", target)
    forge(target, FORGERIES[name])
    outside = tree(exported.parent / "victim")
    clips = {path.name: path.read_bytes() for path in (exported / "clips").glob("*.mp4")}
    result = again()
    assert tree(exported.parent / "victim") == outside
    assert not (exported / ".clipgen_export").exists()
    for clip in result.clips:
        assert clip.listed or "already exists" in clip.sentence, "only an unverified file in the way may fail a clip"
    for path in (exported / "clips").glob("*.mp4"):
        assert path.read_bytes() in clips.values()


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{}", "[]", "null", '{"kind": "clipgen export"}', "{", "\xff", '{"kind": NaN}']
)
def test_an_invalid_manifest_is_reported_in_one_sentence(
    exported: Path, again: Callable[[], ExportResult], text: str
) -> None:
    (exported / "clipgen_export.json").write_text(text, encoding="latin-1")
    with pytest.raises(OutputError, match="damaged or not an export manifest"):
        again()
    with pytest.raises(OutputError, match="damaged or not an export manifest"):
        read_export(exported)


def test_a_symlinked_staging_directory_is_refused(exported: Path, again: Callable[[], ExportResult]) -> None:
    (exported / ".clipgen_export").symlink_to(exported.parent / "victim")
    before = tree(exported.parent / "victim")
    with pytest.raises(OutputError, match="is a symbolic link"):
        again()
    assert tree(exported.parent / "victim") == before


def test_staged_files_are_not_trusted(exported: Path, again: Callable[[], ExportResult]) -> None:
    staging = exported / ".clipgen_export"
    staging.mkdir()
    (staging / ("0" * 64 + ".facts")).write_text("[" * 100_000)
    (staging / ("1" * 64 + ".facts")).write_text("{}")
    (staging / ("2" * 64 + ".mp4")).symlink_to(exported.parent / "victim" / "precious.txt")
    assert [clip.state for clip in again().clips] == ["unchanged"] * 3
    assert (exported.parent / "victim" / "precious.txt").read_text() == "precious"


@pytest.mark.parametrize("name", ["..", "../../victim/precious.txt", "../clip_metadata.json", "mine.mp4", ""])
def test_metadata_of_an_earlier_run_cannot_claim_foreign_files(
    tmp_path: Path, analyses: tuple[Analysis, ...], sources: tuple[ExportSource, ...], name: str
) -> None:
    clips = tmp_path / "export" / "clips"
    clips.mkdir(parents=True)
    (clips / "mine.mp4").write_text("mine")
    (tmp_path / "precious.txt").write_text("precious")
    (clips / "clip_metadata.json").write_text(json.dumps({"clips": [{"clip_path": name}]}))
    result = run(request_for(tmp_path / "export", sources[:1]), *analyses)
    assert [clip.state for clip in result.clips] == ["written"] * 3
    assert (clips / "mine.mp4").read_text() == "mine"
    assert (tmp_path / "precious.txt").read_text() == "precious"


SOURCES: dict[str, Callable[[Content], object]] = {
    "fingerprint leads out": lambda source: source.update(fingerprint="../../../victim/precious"),
    "path is no text": lambda source: source.update(path=3),
    "windows are none": lambda source: source.update(windows=None),
    "a window is no object": lambda source: source.update(windows=[3]),
    "frames are text": lambda source: source["windows"][0].update(start_frame="x"),
    "terms are a list": lambda source: source["windows"][0].update(terms=[1]),
    "a term is text": lambda source: source["windows"][0].update(terms={"expression_variation": "x"}),
    "the decision is unknown": lambda source: source["windows"][0].update(decision="maybe"),
    "tags are a number": lambda source: source["windows"][0].update(tags=3),
    "variations are of another kind": lambda source: source["windows"][0].update(variations={"a": 1}),
    "a track is text": lambda source: source.update(subjects={"x": "anna"}),
}


@pytest.mark.parametrize("name", SOURCES)
def test_an_import_of_nonsense_is_one_sentence(exported: Path, name: str) -> None:
    forge(exported / "clipgen_export.json", lambda content: SOURCES[name](content["sources"][0]))
    with pytest.raises(OutputError, match="is damaged or has an unsupported version") as caught:
        read_export(exported)
    assert "\n" not in str(caught.value)
