"""Frame- and sample-exact media access.

Entry point: `index.probe`, whose VideoInfo `decoding` and `audio` use to read frames and sound. `shots` detects hard
cuts. All times are PTS.
Imports only the ground.
"""
