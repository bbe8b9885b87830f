"""Videos of the puppet with planted events: expressions of known amplitude, and what is no expression."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.opencv import cv2
from tests.truth.puppet import load_puppet
from tests.truth.turning import Pose

Picture = NDArray[np.uint8]
SIXTIETH = Fraction(1, 60)
LENGTH = 30  # frames of an event, and of the windows that are scored
REST = 15  # neutral frames between events
RETURN = 20  # frames in which a turned head returns
STRENGTHS = (0.2, 0.4, 0.6, 0.8, 1.0)
EXPRESSIONS = ("brows_up", "smile", "jaw_open", "pucker", "mouth_sideways", "upper_lip_up")
TURNS = {
    "yaw": Pose(yaw_deg=25),
    "yaw back": Pose(yaw_deg=-25),
    "pitch": Pose(pitch_deg=25),
    "pitch back": Pose(pitch_deg=-25),
    "roll": Pose(roll_deg=25),
    "roll back": Pose(roll_deg=-25),
}
State = tuple[tuple[tuple[str, float], ...], Pose]
NEUTRAL: State = ((), Pose())


@dataclass(frozen=True)
class Event:
    """A window in which one thing happens."""

    name: str
    amplitude: float
    start_frame: int

    @property
    def stop_frame(self) -> int:
        return self.start_frame + LENGTH


def schedule(parts: Iterable[tuple[str, float, Sequence[State]]]) -> tuple[list[State], list[Event]]:
    """Put events one after another, with rests before, between and after them, to which the face returns smoothly."""
    states: list[State] = [NEUTRAL] * REST
    events = []
    for name, amplitude, played in parts:
        events.append(Event(name, amplitude, len(states)))
        last = played[-1][1]
        back = [((), _between(last, 1 - share)) for share in _eased(np.arange(RETURN) / RETURN)]
        states += [*played, *(back if last != Pose() else []), *[NEUTRAL] * REST]
    return states, events


def expression(action: str, amplitude: float, length: int = LENGTH) -> list[State]:
    """An action that rises and falls once."""
    wave = np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2
    return [(((action, amplitude * float(value)),), Pose()) for value in wave]


def speech(amplitude: float, length: int = LENGTH) -> list[State]:
    """A mouth that opens and rounds as in speech, four syllables a second."""
    t = np.arange(length) / LENGTH
    jaw = amplitude * (0.5 - 0.5 * np.cos(2 * np.pi * 4 * t)) * (0.7 + 0.3 * np.sin(2 * np.pi * 1.3 * t))
    lips = amplitude * 0.5 * (0.5 - 0.5 * np.cos(2 * np.pi * 2 * t + 1))
    return [((("jaw_open", float(a)), ("pucker", float(b))), Pose()) for a, b in zip(jaw, lips, strict=True)]


def blink(frames: int, closed: float = 1.0) -> list[State]:
    """Lids that close for this many frames in the middle of the window."""
    lids = np.zeros(LENGTH)
    first = (LENGTH - frames) // 2
    lids[first : first + frames] = closed * np.sin(np.pi * (np.arange(frames) + 0.5) / frames) ** 0.5
    return [((("lids_closed", float(value)),), Pose()) for value in lids]


def glance(amplitude: float) -> list[State]:
    """A look to the side and back, in two saccades."""
    gaze = np.interp(np.arange(LENGTH), [7, 9, 20, 22], [0, amplitude, amplitude, 0])
    return [((("gaze_horizontal", float(value)),), Pose()) for value in gaze]


def turn(target: Pose) -> list[State]:
    """A neutral head that turns to a pose; the rest that follows is in the original pose again."""
    shares = _eased(np.clip((np.arange(LENGTH) - 3) / (LENGTH - 6), 0, 1))
    return [((), _between(target, share)) for share in shares]


def movement(kind: str) -> list[State]:
    """Movement of the face: `zoom` by a fifth, `drift` by half a face, `shake`, `nod` by 10 degrees."""
    t = np.arange(LENGTH) / LENGTH
    rng = np.random.default_rng(4)
    shakes = rng.normal(0, 6, (LENGTH, 2))
    poses = {
        "zoom": [Pose(zoom=1 + 0.2 * float(x)) for x in t],
        "drift": [Pose(shift_px=(70 * float(x), 0.0)) for x in t],
        "shake": [Pose(shift_px=(float(x), float(y))) for x, y in shakes],
        "nod": [Pose(pitch_deg=10 * float(np.sin(4 * np.pi * x))) for x in t],
    }
    return [((), pose) for pose in poses[kind]]


def _eased(progress: NDArray[np.float64]) -> list[float]:
    eased: list[float] = (0.5 - 0.5 * np.cos(np.pi * progress)).tolist()
    return eased


def _between(target: Pose, share: float) -> Pose:
    """The pose a share of the way from the neutral one."""
    x, y = target.shift_px
    return Pose(
        share * target.yaw_deg,
        share * target.pitch_deg,
        share * target.roll_deg,
        1 + share * (target.zoom - 1),
        (share * x, share * y),
    )


def still(count: int) -> list[State]:
    return [NEUTRAL] * count


@lru_cache(maxsize=600)
def _picture(state: State) -> Picture:
    actions, pose = state
    return load_puppet().render(dict(actions), pose)


def pictures(states: Iterable[State]) -> Iterator[Picture]:
    """Render (360, 480, 3) RGB frames."""
    for state in states:
        yield _picture(state)


def degraded(frames: Iterable[Picture], kind: str, seed: int = 0) -> Iterator[Picture]:
    """Spoil frames: sensor `noise`, `flicker` of a lamp, motion `blur`, `small` (face of 60 px) or nothing (``)."""
    rng = np.random.default_rng(seed)
    for number, picture in enumerate(frames):
        values = picture.astype(np.float32)
        if kind == "noise":
            values += rng.normal(0, 8, values.shape)
        elif kind == "flicker":
            values *= 1 + 0.12 * np.sin(2 * np.pi * number * 9.7 / 30) + 0.03 * rng.normal()
        elif kind == "blur":
            values = _blurred(values, 3 + 2 * np.sin(number / 5))
        elif kind == "small":
            values = cv2.resize(values, None, fx=60 / 170, fy=60 / 170, interpolation=cv2.INTER_AREA)
            values = cv2.copyMakeBorder(values, 48, 49, 75, 76, cv2.BORDER_REPLICATE)
        yield np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _blurred(values: NDArray[np.float32], length_px: float) -> NDArray[np.float32]:
    """Motion along a diagonal during the exposure."""
    kernel = np.zeros((11, 11), np.float32)
    for step in np.linspace(-length_px / 2, length_px / 2, 41):
        kernel[round(5 + step * 0.6), round(5 + step * 0.8)] += 1
    blurred: NDArray[np.float32] = cv2.filter2D(values, -1, kernel / kernel.sum())
    return blurred
