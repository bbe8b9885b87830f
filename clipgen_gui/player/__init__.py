"""The picture with what was found on it, played with its sound.

`video_view.VideoPlayer` shows frames that `frame_server` decodes; `playback` moves the playhead, `sound` follows it.
Imports document, widgets, commands, look and support.
"""
