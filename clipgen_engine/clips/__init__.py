"""Frame-exact clips: the frames and sound of a window, encoded and verified.

Entry point: `writer.write_clips`. `timing` maps source frames to PTS, `crop_path` computes face crops and
`verification` checks written clips.
Imports video.
"""
