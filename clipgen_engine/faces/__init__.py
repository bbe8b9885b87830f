"""Face detection and tracking with the networks of MediaPipe's face landmarker.

`tracker` follows faces from look to look, `landmarker` looks at one of them, `detector` finds new ones in the parts of
the picture that `search` selects, and `tracks` joins the tracklets into one track per person.
Imports only the ground modules.
"""
