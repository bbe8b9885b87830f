"""Media files opened for reading, their video stream, and what a decoder returns of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import av
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from clipgen_engine.errors import VideoError

_FINGERPRINT_BYTES = 1 << 18
_ATTACHED_PICTURE = 0x400  # AV_DISPOSITION_ATTACHED_PIC: cover art is not a video


def fingerprint(path: Path) -> str:
    """SHA-256 (hex) of the file's size, head and tail: the same for a copy or a moved file.

    Raises:
        VideoError: the file is missing or unreadable.
    """
    digest = hashlib.sha256()
    try:
        size = path.stat().st_size
        digest.update(str(size).encode())
        with path.open("rb") as file:
            digest.update(file.read(_FINGERPRINT_BYTES))
            file.seek(max(0, size - _FINGERPRINT_BYTES))
            digest.update(file.read(_FINGERPRINT_BYTES))
    except OSError as error:
        raise VideoError(f"{path} cannot be read ({error.strerror})", "Check the path") from error
    return digest.hexdigest()


def check_present(path: Path) -> None:
    """Raise VideoError where there is no file, or nothing in it."""
    if not path.exists():
        raise VideoError(f"{path} does not exist", "Check the path")
    if path.is_dir():
        raise VideoError(f"{path} is a folder", "Give the path of one video file")
    if path.stat().st_size == 0:
        raise VideoError(f"{path.name} is empty (0 bytes)", "Copy it again")


def open_container(path: Path) -> Any:
    """Open a media file for reading.

    Raises:
        VideoError: it is missing, unreadable or no such file.
    """
    check_present(path)
    try:
        return av.open(str(path), metadata_errors="ignore")
    except PermissionError:
        raise VideoError(f"{path.name} may not be read", "Change the file's permissions") from None
    except (av.error.FFmpegError, OSError) as error:
        raise VideoError(
            f"{path.name} is not a video that can be read ({_reason(error)})",
            "The file may be cut off or of another kind: play it in a video player, and copy or convert it again",
        ) from None


def _reason(error: OSError | Exception) -> str:
    return str(getattr(error, "strerror", None) or error).lower()


def video_stream(container: Any, path: Path) -> VideoStream:
    for stream in container.streams.video:
        if not int(stream.disposition) & _ATTACHED_PICTURE:
            stream.thread_type = "AUTO"
            found: VideoStream = stream
            return found
    raise VideoError(f"{path.name} has no video stream", "Choose a file with a picture")


def first_frame(path: Path) -> VideoFrame:
    with closing(open_container(path)) as container:
        frame = next(decoded_frames(container, video_stream(container, path)), None)
    if frame is None:
        raise VideoError(
            f"{path.name} has a video stream, but none of its frames can be decoded",
            "Copy the file again, or convert it to H.264",
        )
    return frame


def decoded_frames(container: Any, stream: VideoStream) -> Iterator[VideoFrame]:
    """All frames that decode; a packet that does not is passed over."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            packet = None  # a damaged tail ends the stream
        if packet is None:
            break
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue
