"""Frame-exact clips: encode the frames and sound of a window, then verify the result.

Entry point: `writer.write_clips`. `timing` maps source frames to PTS, `crop_path` computes face crops,
`verification` checks written clips.
Imports video.
"""
