"""Media files, exact to the frame and to the sample.

`index.probe` is where one enters: it gives the VideoInfo that `decoding` and `audio` read frames and sound by. `shots`
finds hard cuts. All time is PTS.
Imports only the ground.
"""
