"""Convert decoded frames to upright frames for the encoder, keeping the source's colour metadata."""

from __future__ import annotations

from functools import cache
from typing import Any

import av
import numpy as np
from av.filter import Graph
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange, VideoReformatter
from numpy.typing import NDArray

from clipgen_engine.errors import OutputError
from clipgen_engine.types import UInt8Array, VideoInfo
from clipgen_engine.video.decoding import PictureConverter, colorspace_of

_TURNS = {90: [("transpose", "clock")], 180: [("hflip", ""), ("vflip", "")], 270: [("transpose", "cclock")]}
# Pixel formats unsupported by FFV1 -> a supported format with the same sample values.
_SAME_NUMBERS = {
    **{f"yuvj{sampling}p": f"yuv{sampling}p" for sampling in ("411", "420", "422", "440", "444")},
    **dict.fromkeys(("rgb24", "bgr24", "gbrp", "rgb0", "0rgb", "0bgr"), "bgr0"),
    **dict.fromkeys(("rgba", "argb", "abgr", "gbrap", "pal8"), "bgra"),
    **dict.fromkeys(("nv12", "nv21"), "yuv420p"),
    **dict.fromkeys(("nv16", "yuyv422", "uyvy422"), "yuv422p"),
    "nv24": "yuv444p",
    "p010le": "yuv420p10le",
    "p210le": "yuv422p10le",
    "monow": "gray",
    "monob": "gray",
}


class SourcePictures:
    """The current decoded frame in each pixel format that clips need, converted at most once."""

    def __init__(self, video: VideoInfo) -> None:
        self._video = video
        self._to_rgb = PictureConverter(video, None, "rgb24")
        self._reformatters: dict[str, VideoReformatter] = {}
        self._graphs: dict[str, Graph] = {}
        self._made: dict[str, Any] = {}
        self._frame: VideoFrame | None = None

    def show(self, frame: VideoFrame) -> None:
        """Set the current decoded frame."""
        self._frame = frame
        self._made.clear()

    @property
    def source(self) -> VideoFrame:
        assert self._frame is not None, "no current frame"
        return self._frame

    def rgb(self) -> UInt8Array:
        """(H, W, 3) uint8, upright."""
        if "rgb" not in self._made:
            self._made["rgb"] = self._to_rgb(self.source)
        pixels: UInt8Array = self._made["rgb"]
        return pixels

    def whole(self, *, lossless: bool) -> VideoFrame:
        """Upright frame: yuv420p cropped to even size, or the unchanged source sample values.

        Raises:
            OutputError: no lossless format can hold the source's pixel format.
        """
        kind = _lossless_format(self.source.format.name) if lossless else "yuv420p"
        if kind not in self._made:
            frame = self._in_format(kind)
            odd = not lossless and (frame.width % 2 or frame.height % 2)
            self._made[kind] = self._turned(frame, even=not lossless) if self._video.rotation_deg or odd else frame
            self._label(self._made[kind])
        return self._fresh(self._made[kind])

    def crop(self, pixels: UInt8Array, *, lossless: bool) -> VideoFrame:
        """Convert a (H, W, 3) uint8 RGB crop of this frame to yuv420p or, if lossless, RGB."""
        frame = VideoFrame.from_ndarray(pixels, format="rgb24")
        if lossless:
            return self._fresh(self._reformatter("crop").reformat(frame, format="bgr0"))
        frame = self._reformatter("crop").reformat(
            frame,
            format="yuv420p",
            dst_colorspace=colorspace_of(self.source),
            dst_color_range=ColorRange.JPEG if _is_full_range_yuv(self.source) else ColorRange.MPEG,
        )
        self._label(frame)
        return self._fresh(frame)

    def _in_format(self, kind: str) -> VideoFrame:
        source = self.source
        turned = self._video.rotation_deg in (90, 270)
        width, height = self._video.width_px, self._video.height_px
        size = (height, width) if turned else (width, height)
        if source.format.name == kind and (source.width, source.height) == size:
            return source
        colours = _as_it_is(source)
        if source.format.is_rgb and kind == "yuv420p":
            colours = {"dst_colorspace": colorspace_of(source), "dst_color_range": ColorRange.MPEG}
        return self._reformatter(kind).reformat(source, width=size[0], height=size[1], format=kind, **colours)

    def _turned(self, frame: VideoFrame, *, even: bool) -> VideoFrame:
        if self._video.rotation_deg in (90, 270) and frame.format.name.startswith("yuv422p"):
            return _on_its_side(frame, -self._video.rotation_deg // 90)
        graph = self._graphs.get(frame.format.name)
        if graph is None:
            graph = self._graphs[frame.format.name] = _upright_graph(frame, self._video, even=even)
        graph.push(frame)
        return graph.vpull()

    def _label(self, frame: VideoFrame) -> None:
        """Copy the source's colour metadata; set the matrix explicitly if the new size implies a different one."""
        source = self.source
        if frame.format.is_rgb:
            return
        if not source.format.is_rgb:
            frame.color_range, frame.colorspace = source.color_range, source.colorspace
        frame.color_primaries, frame.color_trc = source.color_primaries, source.color_trc
        if colorspace_of(frame) != colorspace_of(source):
            frame.colorspace = int(colorspace_of(source))

    def _reformatter(self, purpose: str) -> VideoReformatter:
        return self._reformatters.setdefault(purpose, VideoReformatter())

    @staticmethod
    def _fresh(frame: VideoFrame) -> VideoFrame:
        frame.pict_type = PictureType.NONE  # the encoder chooses its own keyframes
        return frame


def _is_full_range_yuv(frame: VideoFrame) -> bool:
    return not frame.format.is_rgb and frame.color_range == ColorRange.JPEG


def _upright_graph(template: VideoFrame, video: VideoInfo, *, even: bool) -> Graph:
    graph = Graph()
    nodes = [
        graph.add_buffer(
            width=template.width, height=template.height, format=template.format, time_base=video.time_base
        )
    ]
    for name, options in _TURNS.get(video.rotation_deg, []):
        nodes.append(graph.add(name, options))
    if even:
        nodes.append(graph.add("crop", "trunc(iw/2)*2:trunc(ih/2)*2:0:0"))
    nodes.append(graph.add("buffersink"))
    graph.link_nodes(*nodes).configure()
    return graph


def numbers(frame: VideoFrame) -> list[NDArray[Any]]:
    """Raw sample values of a frame: (H, W) or (H, W, bytes) per plane; a single image for 8-bit RGB."""
    if frame.format.name in ("bgr0", "bgra"):  # the fourth byte of bgr0 is unused
        return [frame.to_ndarray(format="rgb24" if frame.format.name == "bgr0" else "rgba")]
    deep = frame.format.components[0].bits > 8
    size = frame.format.padded_bits_per_pixel // 8 if len(frame.planes) == 1 else 2 if deep else 1
    planes: list[NDArray[Any]] = []
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        own = np.ascontiguousarray(rows[:, : plane.width * size])  # rows are padded
        planes.append(own.view(np.uint16) if size == 2 else own.reshape(plane.height, -1, size) if size > 2 else own)
    return planes


def upright_numbers(video: VideoInfo, frame: VideoFrame) -> list[NDArray[Any]]:
    """`numbers` of a decoded frame, rotated upright: the expected content of a lossless clip."""
    kind = _lossless_format(frame.format.name)
    same = frame if frame.format.name == kind else VideoReformatter().reformat(frame, format=kind, **_as_it_is(frame))
    return [np.rot90(plane, -video.rotation_deg // 90) for plane in numbers(same)]


def _as_it_is(frame: VideoFrame) -> dict[str, Any]:
    """Reformatter arguments that preserve colours."""
    if frame.format.is_rgb:
        return {}
    space, span = colorspace_of(frame), frame.color_range or None
    return {"src_colorspace": space, "dst_colorspace": space, "src_color_range": span, "dst_color_range": span}


def _on_its_side(frame: VideoFrame, quarter_turns: int) -> VideoFrame:
    """Rotate a 4:2:2 frame by a quarter turn into 4:4:0.

    FFmpeg's transpose filter would resample the chroma.
    """
    turned = VideoFrame(frame.height, frame.width, frame.format.name.replace("422", "440"))
    for plane, values in zip(turned.planes, numbers(frame), strict=True):
        upright = np.rot90(values, quarter_turns)
        rows = np.zeros((plane.height, plane.line_size // upright.itemsize), upright.dtype)
        rows[:, : upright.shape[1]] = upright
        plane.update(rows.tobytes())
    return turned


@cache
def _ffv1_formats() -> frozenset[str]:
    return frozenset(kind.name for kind in av.codec.Codec("ffv1", "w").video_formats or ())


def _lossless_format(name: str) -> str:
    same = _SAME_NUMBERS.get(name, name)
    if same not in _ffv1_formats():
        raise OutputError(f"Pixel format {name} cannot be written losslessly", "Choose another clip format")
    return same
