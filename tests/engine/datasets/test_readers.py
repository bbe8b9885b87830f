"""Read back each layout, with its target library or by its documented format."""

from __future__ import annotations

import csv
import gc
import json
import re
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import datasets
import h5py
import numpy as np
import pytest
import webdataset
from hypothesis import given
from hypothesis import strategies as st

from clipgen_engine.datasets.layouts.base import Clip
from clipgen_engine.datasets.layouts.edl import is_drop_frame, timecode, usual_rate
from clipgen_engine.datasets.layouts.registry import load_layout
from clipgen_engine.datasets.request import ExportSource
from clipgen_engine.errors import SettingError
from clipgen_engine.settings import DatasetSettings, ExportSettings
from clipgen_engine.types import Analysis
from clipgen_engine.video.decoding import decode
from clipgen_engine.video.index import probe
from tests.support.analyses import make_analysis, random_track
from tests.support.exports import SPANS, request_for, run, source_of
from tests.support.paths import SAMPLE
from tests.support.videos import read_code

ALL = ("plain", "videofolder", "webdataset", "fiftyone", "hdf5", "features", "losslesscut", "edl")
WINDOWS = {"Çà et là, 顔": SPANS, "b_c": SPANS[:2]}


@pytest.fixture(scope="module")
def exported(
    tmp_path_factory: pytest.TempPathFactory,
    analyses: tuple[Analysis, Analysis],
    sources: tuple[ExportSource, ExportSource],
) -> Path:
    """All layouts in one export, with one video in each of two splits."""
    folder = tmp_path_factory.mktemp("exports") / "ünï"
    result = run(
        request_for(folder, sources, ALL, name_pattern="{source}_{start_frame}", validation_share=0.5), *analyses
    )
    assert not result.failures
    return folder


def shown(path: Path) -> list[int]:
    """Return the source frame numbers visible in a clip."""
    return [read_code(picture.pixels) for picture in decode(probe(path))]


def named(name: str) -> tuple[str, tuple[int, int]]:
    """Parse source and span from a clip name."""
    source, _, start = name.rpartition("_")
    return source, next(span for span in WINDOWS[source] if span[0] == int(start))


def test_videofolder_by_datasets(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets.disable_progress_bars()
    loaded = datasets.load_dataset("videofolder", data_dir=str(exported / "videofolder"), cache_dir=str(tmp_path))
    assert set(loaded) == {"train", "validation"}
    found = set()
    for split, rows in loaded.items():
        for row in rows.cast_column("video", datasets.Video(decode=False)):
            path = Path(row["video"]["path"])
            source, (start, stop) = named(path.stem)
            assert shown(path) == list(range(start, stop))
            assert (row["start_frame"], row["end_frame"]) == (start, stop - 1)
            assert row["subject_id"] == {"b_c": "Ána"}.get(source, "0")
            assert row["tags"] == {"b_c": ""}.get(source, "smile, eyes, wide")
            assert json.loads(row["provenance"])["sha256"] == row["sha256"]
            found.add((split, source, start))
    assert len(found) == 5
    assert len({(split, source) for split, source, _ in found}) == 2  # each video in one split
    first = json.loads((exported / "videofolder" / "train" / "metadata.jsonl").read_text("utf-8").splitlines()[0])
    assert next(iter(first)) == "file_name"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # webdataset leaves files open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_by_webdataset(exported: Path, tmp_path: Path) -> None:
    seen = []
    for split in ("train", "validation"):
        index = json.loads((exported / "webdataset" / f"{split}.json").read_text("utf-8"))
        shards = [str(exported / "webdataset" / shard["url"]) for shard in index["shardlist"]]
        samples = list(webdataset.WebDataset(shards, shardshuffle=False).decode())
        gc.collect()  # close them here, where warnings are ignored
        assert sum(shard["nsamples"] for shard in index["shardlist"]) == len(samples)
        for sample in samples:
            source, (start, stop) = named(sample["__key__"])
            clip = tmp_path / "clip.mp4"
            clip.write_bytes(sample["mp4"])
            assert shown(clip) == list(range(start, stop))
            assert sample["json"]["split"] == split
            assert sample["json"]["source"] == {"b_c": "b.c.mp4"}.get(source, f"{source}.mp4")
            seen.append((source, start))
    assert len(set(seen)) == len(seen) == 5


def test_shards_respect_the_size_limit() -> None:
    layout = load_layout("webdataset", ExportSettings(), DatasetSettings(shard_size_mb=1))
    clips = [
        _clip(str(number), size_bytes=size) for number, size in enumerate((400_000, 500_000, 300_000, 5_000_000, 9))
    ]
    shards = [document for document in layout.documents(clips, {}) if document.role == "made"]
    assert [len(shard.members) for shard in shards] == [2, 1, 1, 1]
    assert [shard.path for shard in shards] == [f"webdataset/train-{number:06d}.tar" for number in range(4)]


def _clip(name: str, **record: Any) -> Any:
    return Clip(name, "train", record, name * 64, ".mp4", Path("source.mp4"), "")


def test_fiftyone_by_its_documented_format(exported: Path) -> None:
    """FiftyOne needs a database server; its importer was tested manually."""
    labels = json.loads((exported / "fiftyone" / "labels.json").read_text("utf-8"))["labels"]
    media = {path.stem: path for path in (exported / "fiftyone" / "data").iterdir()}
    assert labels.keys() == media.keys()
    for name, detections in labels.items():
        source, (start, stop) = named(name)
        assert [one["label"] for one in detections] == (["expression"] if source == "b_c" else ["smile", "eyes, wide"])
        assert all(one["support"] == [1, stop - start] for one in detections)
        assert all(one["attributes"]["start_frame"] == start for one in detections)
        assert shown(media[name]) == list(range(start, stop))


def test_fiftyone_with_the_sources_as_media(
    tmp_path: Path, analyses: tuple[Analysis, Analysis], sources: tuple[ExportSource, ExportSource]
) -> None:
    run(request_for(tmp_path, sources, ["fiftyone"], fiftyone_media="sources"), *analyses)
    assert not list(tmp_path.rglob("*.mp4"))
    media = json.loads((tmp_path / "fiftyone" / "data.json").read_text("utf-8"))
    labels = json.loads((tmp_path / "fiftyone" / "labels.json").read_text("utf-8"))["labels"]
    assert media == {"Çà et là, 顔": str(sources[0].path), "b_c": str(sources[1].path)}
    for source, spans in WINDOWS.items():
        supports = {tuple(one["support"]) for one in labels[source]}
        assert supports == {(start + 1, stop) for start, stop in spans}  # 1-based, inclusive
        numbers = [read_code(picture.pixels) for picture in decode(probe(media[source]))]
        for start, stop in spans:
            assert numbers[start:stop] == list(range(start, stop))


def test_hdf5_by_h5py(exported: Path, analyses: tuple[Analysis, Analysis]) -> None:
    by_name = dict(zip(WINDOWS, analyses, strict=True))
    files = sorted((exported / "hdf5").glob("*.h5"))
    assert len(files) == 5
    for path in files:
        source, (start, stop) = named(path.stem)
        video, track = by_name[source].video, by_name[source].tracks[0]
        with h5py.File(path) as file:
            assert list(file["faces"]) == [f"frame_{number:03d}" for number in range(stop - start)]
            for number, frame in enumerate(range(start, stop)):
                face = file[f"faces/frame_{number:03d}/face_000"]
                assert (face["data"].shape, face["data"].dtype) == ((518, 518, 3), np.uint8)
                row = track.row_of(frame)
                assert face["bbox"][()].tolist() == track.box_xywh[row].tolist()
                assert face["confidence"][()] == track.confidence[row]
                assert np.abs(face["original_size"][()] - 30).max() <= 1  # 20 px face plus margin
            metadata = file["metadata"]
            times = video.pts[start:stop] * float(video.time_base)
            assert metadata["frame_timestamps"][()] == pytest.approx(times, abs=1e-9)
            assert metadata["timestamp"][()] == times[0]
            assert metadata["num_frames"][()] == stop - start
            assert metadata["face_size"][()] == 518
            assert metadata["fps"][()] == float(video.average_rate)
            assert metadata["video_path"].asstr()[()] == str(video.path)
            assert metadata["subject_id"].asstr()[()] == {"b_c": "Ána"}.get(source, "0")
    assert len(set(np.diff(analyses[1].video.pts))) > 2  # variable frame rate


def test_a_missing_h5py_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(SettingError, match=r"pip install clipgen\[hdf5\]"):
        load_layout("hdf5", ExportSettings(), DatasetSettings())


def test_features_by_numpy(exported: Path, analyses: tuple[Analysis, Analysis]) -> None:
    by_name = dict(zip(WINDOWS, analyses, strict=True))
    files = sorted((exported / "features").glob("*.npz"))
    assert len(files) == 5
    for path in files:
        source, (start, stop) = named(path.stem)
        analysis = by_name[source]
        with np.load(path, allow_pickle=False) as stored:
            assert stored["frame_index"].tolist() == list(range(start, stop))
            assert stored["pts"].tolist() == analysis.video.pts[start:stop].tolist()
            for name in ("box_xywh", "confidence", "center_xy", "head_pose_deg", "blendshapes"):
                assert np.array_equal(stored[name], getattr(analysis.tracks[0], name)[start:stop])
            assert np.array_equal(stored["tokens"], analysis.tokens[0].values[start:stop])
            assert stored["token_interpolated"].shape == (stop - start,)
            assert not stored["token_interpolated"].any()
            assert len(stored["blendshape_names"]) == stored["blendshapes"].shape[1] == 52
            assert stored["landmarks"].shape == (stop - start, 478, 3)


def test_landmarks_lie_on_the_face(sample_truth: dict[str, Any], tmp_path: Path) -> None:
    centers = np.array(sample_truth["face_center"][:306], np.float32)
    track = replace(random_track(np.random.default_rng(0), 0, 306), center=centers, size=sample_truth["face_size"][300])
    analysis = replace(make_analysis(track), video=probe(SAMPLE))
    run(request_for(tmp_path, [source_of(analysis, [(300, 306)])], ["features"]), analysis)
    (path,) = (tmp_path / "features").iterdir()
    with np.load(path) as stored:
        marks = stored["landmarks"]
    middle = marks[:, sample_truth["center_points"], :2].mean(axis=1)
    assert np.abs(middle - centers[300:]).max() < 0.03 * track.size


def test_losslesscut_by_its_documented_format(exported: Path, analyses: tuple[Analysis, Analysis]) -> None:
    for (source, spans), analysis in zip(WINDOWS.items(), analyses, strict=True):
        with (exported / "losslesscut" / f"{source}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        times = analysis.video.times_s
        assert [row[2] for row in rows] == [f"{source}_{start}" for start, _ in spans]
        for (begin, end, _), (start, stop) in zip(rows, spans, strict=True):
            assert (float(begin), float(end)) == pytest.approx((times[start], times[stop]), abs=1e-6)


def test_edl_by_its_documented_format(exported: Path, analyses: tuple[Analysis, Analysis]) -> None:
    event = re.compile(r"(\d{3})  AX       V     C        (\S{11}) (\S{11}) (\S{11}) (\S{11})")
    for (source, spans), analysis in zip(WINDOWS.items(), analyses, strict=True):
        lines = (exported / "edl" / f"{source}.edl").read_text("utf-8").splitlines()
        rate = usual_rate(analysis.video.average_rate)
        assert lines[:2] == [f"TITLE: {source}", "FCM: NON-DROP FRAME"]
        assert any("VARIABLE FRAME RATE" in line for line in lines) == (source == "b_c")
        events = [found for line in lines if (found := event.fullmatch(line))]
        assert [int(found[1]) for found in events] == list(range(1, len(spans) + 1))
        record = frames_of("01:00:00:00", rate)
        for found, (start, stop) in zip(events, spans, strict=True):
            first, end, begin, finish = (frames_of(code, rate) for code in found.groups()[1:])
            expected = [round(float(time) * float(rate)) for time in analysis.video.times_s[[start, stop]]]
            assert [first, end] == expected
            if source != "b_c":
                assert [first, end] == [start, stop]  # exact for constant frame rate
            assert (begin, finish) == (record, record + end - first)
            record = finish


def frames_of(code: str, rate: Fraction) -> int:
    """Convert a timecode to a frame number, independently of the implementation."""
    hours, minutes, seconds, frames = map(int, re.split("[:;]", code))
    base = round(rate)
    label = ((hours * 60 + minutes) * 60 + seconds) * base + frames
    if not is_drop_frame(rate):
        return label
    dropped = 2 if base == 30 else 4
    whole_minutes = hours * 60 + minutes
    return label - dropped * (whole_minutes - whole_minutes // 10)


@given(st.integers(0, 23 * 3600 * 24), st.sampled_from(["24000/1001", "24", "25", "30000/1001", "30", "60000/1001"]))
def test_timecode_round_trip(frame: int, rate_text: str) -> None:
    rate = Fraction(rate_text)
    code = timecode(frame, rate)
    assert frames_of(code, rate) == frame
    hours, minutes, seconds, frames = map(int, re.split("[:;]", code))
    assert hours < 24
    assert max(minutes, seconds) < 60
    assert frames < round(rate)
    if is_drop_frame(rate):
        assert code[8] == ";"
        assert not (seconds == 0 and minutes % 10 and frames < round(rate) // 15)  # dropped label
        shown_s = hours * 3600 + minutes * 60 + seconds + frames / round(rate)
        assert shown_s == pytest.approx(frame / float(rate), abs=0.15)  # in sync with real time


@pytest.mark.parametrize(
    ("rate", "frame", "code"),
    [
        ("30000/1001", 1799, "00:00:59;29"),
        ("30000/1001", 1800, "00:01:00;02"),
        ("30000/1001", 17982, "00:10:00;00"),
        ("30000/1001", 107892, "01:00:00;00"),
        ("60000/1001", 3600, "00:01:00;04"),
        ("24000/1001", 1440, "00:01:00:00"),
        ("25", 25 * 3600, "01:00:00:00"),
    ],
)
def test_timecode_matches_known_values(rate: str, frame: int, code: str) -> None:
    assert timecode(frame, Fraction(rate)) == code


@pytest.mark.parametrize(
    ("rate", "usual"),
    [("2997/100", "30000/1001"), ("23976/1000", "24000/1001"), ("24", "24"), ("15", "24000/1001"), ("120", "60")],
)
def test_usual_rate_is_the_nearest(rate: str, usual: str) -> None:
    assert usual_rate(Fraction(rate)) == Fraction(usual)


def test_layouts_refuse_settings_unsupported_by_their_readers() -> None:
    with pytest.raises(SettingError, match="Unknown layout 'zip'"):
        load_layout("zip", ExportSettings(), DatasetSettings())
    with pytest.raises(SettingError, match="does not support webm"):
        load_layout("videofolder", ExportSettings(clip_format="webm"), DatasetSettings())
    for layout in ("videofolder", "webdataset", "fiftyone"):
        with pytest.raises(SettingError, match="not folders of frames"):
            load_layout(layout, ExportSettings(clip_format="png"), DatasetSettings())
    with pytest.raises(SettingError, match="add up to more than 1"):
        DatasetSettings(validation_share=0.6, test_share=0.6)
