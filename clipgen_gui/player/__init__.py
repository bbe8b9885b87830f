"""Video playback with sound and face overlays.

`room.PlayerRoom` is the entry. `video_view.VideoPlayer` shows the frames that `frame_server` decodes; `playback` moves
the playhead and `sound` follows it.
Imports document, widgets, commands, look and support.
"""
