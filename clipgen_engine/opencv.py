"""Import cv2 and restore the two Qt variables that its import points at its bundled Qt 5, which breaks PySide6.

Import this module before any library that imports cv2 itself (PySceneDetect, MediaPipe).
"""

from __future__ import annotations

import os

_QT_VARIABLES = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")

_before = {name: os.environ.get(name) for name in _QT_VARIABLES}
import cv2  # noqa: E402

for _name, _value in _before.items():
    if _value is None:
        os.environ.pop(_name, None)
    else:
        os.environ[_name] = _value

__all__ = ["cv2"]
