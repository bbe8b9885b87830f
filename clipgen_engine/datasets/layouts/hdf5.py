"""HDF5 face crops, one file per clip.

    faces/frame_000/face_000/data           uint8 (518, 518, 3), RGB
                             bbox           float32 (4,): face x, y, width, height in px of the upright source
                             confidence     float32, 0..1
                             original_size  int32 (2,): width, height of the crop in source px
    metadata/video_path, subject_id         text
             timestamp                      float64, seconds: source time stamp of the first frame
             frame_timestamps               float64 (N,), seconds: source time stamp of each frame
             frame_indices                  int64 (N,), 0-based, in the source
             face_size, num_frames          int64
             fps                            float64, of the source
             provenance                     text, JSON

The crop is the smoothed one from the export settings (margin, roll alignment, static or not), always 518 x 518 px.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from clipgen_engine.clips.crop_path import cropped_frames, face_crop_path
from clipgen_engine.datasets.layouts.base import Clip, ClipFile, Footage, Layout
from clipgen_engine.datasets.manifest import key_of
from clipgen_engine.errors import SettingError, VideoError
from clipgen_engine.files import strict_json
from clipgen_engine.settings import DatasetSettings, ExportSettings

FACE_SIZE_PX = 518
_METHOD_VERSION = 1  # bump when the same clip produces a different file
_CROP_SETTINGS = ("crop", "margin", "align_roll")


class Hdf5Layout(Layout):
    needs_clips = False
    needs_analysis = True

    def __init__(self, settings: ExportSettings, dataset: DatasetSettings, h5py: Any) -> None:
        super().__init__(settings, dataset)
        self._h5py = h5py
        still = settings.crop == "face_still"
        self._crop = replace(settings, crop="face_still" if still else "face", size=FACE_SIZE_PX)

    def clip_files(self, clip: Clip) -> Sequence[ClipFile]:
        crop = {name: value for name, value in self._crop.as_dict().items() if name in _CROP_SETTINGS}
        key = key_of("hdf5", _METHOD_VERSION, clip.own_record, str(clip.source_path), clip.footage_key, crop)

        def write(path: Path, footage: Footage) -> None:
            with self._h5py.File(path, "w") as file:
                self._write(file, clip, footage)

        return [ClipFile(f"hdf5/{clip.name}.h5", key, write)]

    def _write(self, file: Any, clip: Clip, footage: Footage) -> None:
        video, track = footage.video, footage.track
        start, stop = clip.record["start_frame"], clip.record["end_frame"] + 1
        path = face_crop_path(video, track, start, stop, self._crop)
        assert path is not None
        written = []
        for index, pixels in cropped_frames(video, path, FACE_SIZE_PX):
            row = track.row_of(index)
            number = index - start
            side = round(float(path.side_px[number]))
            face = file.create_group(f"faces/frame_{number:03d}/face_000")
            face.create_dataset("data", data=pixels, chunks=pixels.shape, compression="gzip", compression_opts=1)
            # frames without a detection get an interpolated crop, but no measurement
            face["bbox"] = np.full(4, np.nan, np.float32) if row is None else track.box_xywh[row]
            face["confidence"] = np.float32(np.nan if row is None else track.confidence[row])
            face["original_size"] = np.array([side, side], np.int32)
            written.append(index)
        if len(written) != stop - start:
            raise VideoError(
                f"{video.path.name} no longer decodes all frames from {start} to {stop - 1}",
                "The file has changed since its analysis: analyse it again",
            )
        times = video.pts[start:stop].astype(np.float64) * float(video.time_base)
        metadata = file.create_group("metadata")
        metadata["video_path"] = str(video.path)
        metadata["subject_id"] = str(clip.record["subject_id"])
        metadata["timestamp"] = times[0]
        metadata["frame_timestamps"] = times
        metadata["frame_indices"] = np.arange(start, stop, dtype=np.int64)
        metadata["face_size"] = np.int64(FACE_SIZE_PX)
        metadata["num_frames"] = np.int64(stop - start)
        metadata["fps"] = float(video.average_rate)
        metadata["provenance"] = strict_json(clip.own_record)


def load(settings: ExportSettings, dataset: DatasetSettings) -> Hdf5Layout:
    try:
        h5py = importlib.import_module("h5py")
    except ImportError as error:
        raise SettingError(
            "The layout hdf5 requires the library h5py, which is not installed",
            "Install it with 'pip install clipgen[hdf5]', or deselect this layout",
        ) from error
    return Hdf5Layout(settings, dataset, h5py)
