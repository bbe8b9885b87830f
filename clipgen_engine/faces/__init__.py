"""Face detection and tracking with MediaPipe's face models.

`tracker` tracks faces from frame to frame, `search` defines where to look for new ones, and `tracks` joins the
tracklets into one track per person. `models` and `model_files` encapsulate MediaPipe and its model files.
Imports only the ground modules; mediapipe is imported by `models`.
"""
