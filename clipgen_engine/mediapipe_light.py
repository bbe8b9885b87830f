"""The one place where MediaPipe is imported first: without matplotlib, which it wants for a drawing function only.

Nobody calls that function here, and matplotlib is two thirds of the import time, which every worker process pays.
"""

from __future__ import annotations

import sys
from types import ModuleType

from clipgen_engine.opencv import cv2  # noqa: F401  before mediapipe, which imports it unguarded

_pyplot = ModuleType("matplotlib.pyplot")
_matplotlib = ModuleType("matplotlib")
_matplotlib.__dict__["pyplot"] = _pyplot
_stand_ins = {} if "matplotlib" in sys.modules else {"matplotlib": _matplotlib, "matplotlib.pyplot": _pyplot}
sys.modules.update(_stand_ins)
try:
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision
finally:
    for _name in _stand_ins:
        del sys.modules[_name]

__all__ = ["BaseOptions", "mp", "vision"]
