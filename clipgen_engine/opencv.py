"""The one place where cv2 is imported first: its import points two Qt variables at its own Qt 5, which breaks PySide6.

Modules whose libraries import cv2 themselves (PySceneDetect, MediaPipe) import this one before them.
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
