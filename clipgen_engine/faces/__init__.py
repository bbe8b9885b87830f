"""MediaPipe's face models, and the people they are followed by.

`tracker` follows faces from picture to picture, `search` finds new ones, `tracks` joins what was seen into one track a
person. `models` and `model_files` hide the library and its files.
Imports only the ground; mediapipe is imported with `models`.
"""
