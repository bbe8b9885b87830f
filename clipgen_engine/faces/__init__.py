"""Face detection and tracking with MediaPipe's models.

`tracker` tracks faces from frame to frame, `search` selects the regions to scan for new ones, and `tracks`
joins the tracklets into one track per person. `models` and `model_files` wrap MediaPipe and its model files.
Imports only the ground modules; mediapipe is imported by `models`.
"""
