"""Frame-exact clips: the frames and the sound of a window, encoded and checked.

`writer.write_clips` is where one enters; `timing` says which source frame is shown when, `crop_path` where a face crop
lies, and `verification` reads back what was written.
Imports video.
"""
