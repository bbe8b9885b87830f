"""Per-clip features, one .npz per clip: the analysis results of each frame, and the face mesh.

    frame_index int64 (N,) · pts int64 (N,) · time_s float64 (N,), since frame 0 of the source
    box_xywh float32 (N, 4), px of the upright source · confidence float32 (N,) · center_xy float32 (N, 2)
    head_pose_deg float32 (N, 3): yaw, pitch, roll · blendshapes float32 (N, 52) with blendshape_names
    tokens float32 (N, D) with token_names, token_backend and token_interpolated bool (N,)
    landmarks float32 (N, 478, 3), px of the upright source; z grows away from the camera
    provenance: JSON text

Frames without a detected face have NaN in all of these. The analysis does not store the mesh; the export recomputes it
on a view around the known box, starting some frames before the clip so that the smoothing has settled.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.datasets.layouts.base import Clip, ClipFile, Footage, Layout
from clipgen_engine.datasets.manifest import key_of
from clipgen_engine.faces.blendshape_channels import BLENDSHAPE_REGIONS
from clipgen_engine.faces.model_files import load_face_model
from clipgen_engine.faces.region import region_around
from clipgen_engine.files import strict_json
from clipgen_engine.settings import DatasetSettings, ExportSettings
from clipgen_engine.types import Float32Array
from clipgen_engine.video.decoding import decode

if TYPE_CHECKING:
    from clipgen_engine.faces.landmarker import FaceLandmarker

_METHOD_VERSION = 2  # bump when the same clip produces a different file
_POINTS = 478
_NEUTRAL = "_neutral"  # MediaPipe's first blendshape


class FeaturesLayout(Layout):
    needs_clips = False
    needs_analysis = True

    def __init__(self, settings: ExportSettings, dataset: DatasetSettings) -> None:
        super().__init__(settings, dataset)
        self._landmarker: FaceLandmarker | None = None

    def clip_files(self, clip: Clip) -> Sequence[ClipFile]:
        key = key_of("features", _METHOD_VERSION, clip.own_record, clip.footage_key)

        def write(path: Path, footage: Footage) -> None:
            start, stop = clip.record["start_frame"], clip.record["end_frame"] + 1
            arrays = _analysed(footage, start, stop)
            arrays["landmarks"] = self._landmarks(footage, start, stop)
            arrays["provenance"] = np.array(strict_json(clip.own_record))
            _write_npz(path, arrays)

        return [ClipFile(f"features/{clip.name}.npz", key, write)]

    def _landmarks(self, footage: Footage, start: int, stop: int) -> Float32Array:
        """Return landmarks, (N, 478, 3) float32; NaN where there is no face."""
        from clipgen_engine.faces.landmarker import FaceLandmarker  # loads OpenCV and LiteRT

        self._landmarker = self._landmarker or FaceLandmarker(load_face_model())
        video, track = footage.video, footage.track
        marks = np.full((stop - start, _POINTS, 3), np.nan, np.float32)
        with closing(decode(video, start, stop)) as pictures:
            for picture in pictures:
                row = track.row_of(picture.index)
                if row is None:
                    continue
                mesh = self._landmarker.find(picture.pixels, region_around(track.box_xywh[row]))
                if mesh is not None:
                    marks[picture.index - start] = mesh.points
        return marks


def _analysed(footage: Footage, start: int, stop: int) -> dict[str, NDArray[Any]]:
    """Return the analysis results of a half-open frame range."""
    video, track, tokens = footage.video, footage.track, footage.tokens
    rows = np.flatnonzero((track.frame_index >= start) & (track.frame_index < stop))
    positions = track.frame_index[rows] - start

    def column(values: Float32Array) -> Float32Array:
        filled = np.full((stop - start, *values.shape[1:]), np.nan, np.float32)
        filled[positions] = values[rows]
        return filled

    made = tokens.interpolated if tokens.interpolated is not None else np.zeros(len(tokens.values), np.bool_)
    return {
        "frame_index": np.arange(start, stop, dtype=np.int64),
        "pts": video.pts[start:stop],
        "time_s": video.times_s[start:stop],
        **{
            name: column(getattr(track, name))
            for name in ("box_xywh", "confidence", "center_xy", "head_pose_deg", "blendshapes")
        },
        "blendshape_names": np.array([_NEUTRAL, *BLENDSHAPE_REGIONS]),
        "tokens": column(tokens.values),
        "token_interpolated": column(made.astype(np.float32)) == 1,
        "token_names": np.array(tokens.channel_names),
        "token_backend": np.array(tokens.backend),
    }


def _write_npz(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Like `numpy.savez_compressed`, but without time stamps, so equal arrays produce identical bytes."""
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, values in arrays.items():
            with archive.open(ZipInfo(f"{name}.npy"), "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.ascontiguousarray(values), allow_pickle=False)


def load(settings: ExportSettings, dataset: DatasetSettings) -> FeaturesLayout:
    return FeaturesLayout(settings, dataset)
