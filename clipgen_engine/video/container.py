"""Safe opening of media files: only the file itself is read; playlists and network protocols are disabled."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import av
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from clipgen_engine.errors import VideoError

_FINGERPRINT_BYTES = 1 << 18
_ATTACHED_PICTURE = 0x400  # AV_DISPOSITION_ATTACHED_PIC: cover art is not a video
_MAX_PIXELS = 1 << 27  # per frame; more than 16K UHD
_MAX_STREAMS = 128
_TEXT_BYTES = 1024  # examined to detect text files

# Demuxers that open other files, network addresses or devices, or that render text.
_EXCLUDED_FORMATS = {
    *("concat", "dash", "hds", "hls", "imf", "image2", "mlv", "smoothstreaming", "vobsub", "webm_dash_manifest"),
    *("rtp", "rtp_mpegts", "rtsp", "sap", "sdp", "whip"),
    *("alsa", "fbdev", "kmsgrab", "lavfi", "oss", "v4l2", "video4linux2,v4l2", "x11grab"),
    *("adf", "bin", "idf", "tty", "xbin"),
}
_PLAYLISTS = (
    b"#extm3u",
    b"ffconcat",
    b"v=0",
    b"[playlist]",
    b"[reference]",
    b"<mpd",
    b"<smil",
    b"<asx",
    b"<?xml",
    b"rtsp",
)


def fingerprint(path: Path) -> str:
    """Return the SHA-256 (hex) of the file's size, head and tail; unchanged by copying or moving the file.

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
    """Raise VideoError unless the path is a non-empty regular file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            raise VideoError(f"{path} is a link to a file that does not exist", "Restore that file") from None
        raise VideoError(f"{path} does not exist", "Check the path") from None
    except OSError as error:
        raise VideoError(f"{path} cannot be read ({error.strerror})", "Check the path") from None
    if stat.S_ISDIR(status.st_mode):
        raise VideoError(f"{path} is a folder", "Give the path of one video file")
    if not stat.S_ISREG(status.st_mode):
        raise VideoError(f"{path} is a pipe or a device, not a file", "Give the path of a video file")
    if status.st_size == 0:
        raise VideoError(f"{path.name} is empty (0 bytes)", "Copy it again")


def open_container(path: Path) -> Any:
    """Open a media file for reading.

    Raises:
        VideoError: the file is missing, unreadable, not a media file, or a playlist.
    """
    check_present(path)
    try:
        _refuse_text(path)
        # FFmpeg would parse a relative path such as "http:x.mp4" as a protocol; an absolute path is safe.
        container = av.open(
            os.path.abspath(path),  # noqa: PTH100  # unlike Path.absolute, it also resolves ".."
            metadata_errors="ignore",
            options={"max_pixels": str(_MAX_PIXELS)},
            container_options={"protocol_whitelist": "file", "format_whitelist": _allowed_formats()},
        )
    except PermissionError:
        raise VideoError(f"{path.name} may not be read", "Change the file's permissions") from None
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise VideoError(
            f"{path.name} is not a readable video ({_reason(error)})",
            "The file may be cut off or in another format: try a video player, then copy or convert it again",
        ) from None
    if len(container.streams) > _MAX_STREAMS:
        count = len(container.streams)
        container.close()
        raise VideoError(
            f"{path.name} has {count} streams, more than {_MAX_STREAMS}", "Extract the video from it first"
        )
    return container


@cache
def _allowed_formats() -> str:
    return ",".join(sorted(av.formats_available - _EXCLUDED_FORMATS))


def _refuse_text(path: Path) -> None:
    """Raise VideoError for text files: playlists and session descriptions refer to files that must not be opened."""
    with path.open("rb") as file:
        head = file.read(_TEXT_BYTES)
    if head.startswith(b"YUV4MPEG2"):
        return
    printable = bytes(range(32, 127)) + b"\t\n\r\f\xef\xbb\xbf"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PLAYLISTS):
        raise VideoError(f"{path.name} is a playlist, not a video file", "Open the files that it lists")
    if not head.translate(None, printable):
        raise VideoError(f"{path.name} is a text file, not a video", "Choose a video file")


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).lower()


def video_stream(container: Any, path: Path, threads: int = 0) -> VideoStream:
    """Return the first video stream that is not cover art, configured for multi-threaded decoding.

    Args:
        threads: number of decoder threads; 0: one per core.

    Raises:
        VideoError: there is no such stream, or its frames are too large.
    """
    for stream in container.streams.video:
        if not int(stream.disposition) & _ATTACHED_PICTURE:
            context = stream.codec_context
            if context is not None:  # None for an unknown codec, which cannot be decoded
                _refuse_huge(context.width, context.height, path)
                context.options = {"max_pixels": str(_MAX_PIXELS)}  # the decoded size may differ from the header
            stream.thread_type = "AUTO" if threads != 1 else "NONE"
            if context is not None:
                context.thread_count = threads
            found: VideoStream = stream
            return found
    raise VideoError(f"{path.name} has no video stream", "Choose a file with a video stream")


def _refuse_huge(width_px: int, height_px: int, path: Path) -> None:
    if width_px * height_px > _MAX_PIXELS:
        raise VideoError(
            f"{path.name} claims frames of {width_px}x{height_px} px, which is too large to decode",
            "Scale it down first",
        )


def first_frame(path: Path) -> VideoFrame:
    """Return the first decodable frame; raise VideoError if there is none."""
    with closing(open_container(path)) as container:
        frame = next(decoded_frames(container, video_stream(container, path)), None)
    if frame is None:
        raise VideoError(
            f"{path.name} has a video stream, but none of its frames can be decoded",
            "Copy the file again, or convert it to H.264",
        )
    return frame


def decoded_frames(container: Any, stream: VideoStream) -> Iterator[VideoFrame]:
    """Yield all decodable frames; skip undecodable packets."""
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
