"""Finished segments and gaps of an unfinished analysis on disk."""

from __future__ import annotations

import logging
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clipgen_engine.analysis.segments import Segment, SegmentResult
from clipgen_engine.analysis.tasks import GapRows
from clipgen_engine.faces.tracklets import COLUMNS, Rows, TrackletSummary
from clipgen_engine.files import replacing

if TYPE_CHECKING:
    from clipgen_engine.analysis.findings import Findings

_DAMAGED = (OSError, EOFError, ValueError, KeyError, IndexError, TypeError, zipfile.BadZipFile, zlib.error)
_SEGMENTS, _GAPS = "segment_*.npz", "gaps_*.npz"

_log = logging.getLogger(__name__)


class StoredParts:
    """The parts of one entry of the cache."""

    def __init__(self, entry: Path, write: Callable[[Callable[[], None]], None]) -> None:
        """
        Args:
            write: runs a function that writes into the entry, and decides what to do with its errors.
        """
        self._entry = entry
        self._write = write

    def restore(self, findings: Findings) -> None:
        """Add the stored parts to the findings; remove those that are damaged or of no use."""
        restored = set()
        for path, number in self._files(_SEGMENTS):
            if 0 <= number < len(findings.segments):
                with _discarded_if_damaged(path):
                    findings.add_segment(number, _read_segment(path, findings.segments[number]))
                    restored.add(number)
        for path, number in self._files(_GAPS):
            if number not in restored:
                path.unlink(missing_ok=True)  # of a segment that is analysed again
                continue
            with _discarded_if_damaged(path):
                findings.add_gaps(number, *_read_gaps(path, findings.segments[number]))

    def store_segment(self, number: int, result: SegmentResult) -> None:
        self._store(f"segment_{number:06d}.npz", _segment_arrays(result))

    def store_gaps(self, filled: GapRows) -> None:
        arrays = _row_arrays(filled.rows) | {"starts": np.array(filled.starts, np.int64)}
        self._store(f"gaps_{filled.segment:06d}_{filled.starts[0]:09d}.npz", arrays)

    def _store(self, name: str, arrays: dict[str, Any]) -> None:
        def write() -> None:
            with replacing(self._entry / name, private=True) as temporary, temporary.open("wb") as file:
                np.savez_compressed(file, **arrays)

        self._write(write)

    def _files(self, pattern: str) -> Iterator[tuple[Path, int]]:
        """Paths, and the numbers of their segments."""
        for path in sorted(self._entry.glob(pattern)):
            number = path.stem.split("_")[1]
            yield path, int(number) if number.isdecimal() else -1


def remove_parts(entry: Path) -> None:
    """Remove the parts of an entry of the cache."""
    for pattern in (_SEGMENTS, _GAPS):
        for path in entry.glob(pattern):
            path.unlink()


@contextmanager
def _discarded_if_damaged(path: Path) -> Iterator[None]:
    """Remove a damaged file and go on: what it held is analysed again."""
    try:
        yield
    except _DAMAGED as error:
        _log.warning("The stored part %s is damaged (%s) and is analysed again", path, error)
        path.unlink(missing_ok=True)


def _row_arrays(rows: Rows) -> dict[str, Any]:
    return {f"row_{name}": values for name, values in rows.items()}


def _segment_arrays(result: SegmentResult) -> dict[str, Any]:
    tracklets = result.tracklets
    nowhere = np.full(4, np.nan, np.float32)
    return _row_arrays(result.rows) | {
        "decoded": np.array(result.decoded),
        "looks": np.array(result.looks, np.int64),
        "exact": np.array(result.exact),
        "shot_starts": np.array(result.shot_starts, np.int64),
        "number": np.array([tracklet.number for tracklet in tracklets], np.int64),
        "continues": np.array([-1 if item.continues is None else item.continues for item in tracklets], np.int64),
        "near": np.array([tracklet.near for tracklet in tracklets], np.bool_),
        "described": np.array([tracklet.described for tracklet in tracklets], np.int64),
        "descriptor": np.array([tracklet.descriptor for tracklet in tracklets], np.float32),
        "entry_box": np.array(
            [nowhere if item.entry_box is None else item.entry_box for item in tracklets], np.float32
        ),
    }


def _read(path: Path) -> dict[str, np.ndarray]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _rows(arrays: dict[str, np.ndarray], segment: Segment) -> Rows:
    frames = arrays["row_frame_index"]
    fits = all(
        arrays[f"row_{name}"].shape == (len(frames), *shape) and arrays[f"row_{name}"].dtype == dtype
        for name, (dtype, shape) in COLUMNS.items()
    )
    if not fits or not ((frames >= segment.start) & (frames < segment.stop)).all():
        raise ValueError("inconsistent arrays")
    return {name: arrays[f"row_{name}"] for name in COLUMNS}


def _read_gaps(path: Path, segment: Segment) -> tuple[list[int], Rows]:
    """First frames and rows of filled gaps."""
    arrays = _read(path)
    rows = _rows(arrays, segment)
    if np.isfinite(rows["region"]).any():
        raise ValueError("looks in a gap")
    return arrays["starts"].tolist(), rows


def _read_segment(path: Path, segment: Segment) -> SegmentResult:
    arrays = _read(path)
    rows = _rows(arrays, segment)
    looked = rows["tracklet"][np.isfinite(rows["region"][:, 0])]
    if set(arrays["number"].tolist()) != set(rows["tracklet"].tolist()) or set(looked.tolist()) != set(
        arrays["number"].tolist()
    ):
        raise ValueError("rows without a tracklet, or a tracklet without looks")
    return SegmentResult(
        decoded=int(arrays["decoded"]),
        looks=tuple(arrays["looks"].tolist()),
        shot_starts=tuple(arrays["shot_starts"].tolist()),
        rows=rows,
        tracklets=tuple(
            TrackletSummary(
                number=int(number),
                continues=None if arrays["continues"][row] < 0 else int(arrays["continues"][row]),
                near=bool(arrays["near"][row]),
                descriptor=arrays["descriptor"][row],
                described=int(arrays["described"][row]),
                entry_box=None if np.isnan(arrays["entry_box"][row]).any() else arrays["entry_box"][row],
            )
            for row, number in enumerate(arrays["number"])
        ),
        exact=bool(arrays["exact"]),
    )
