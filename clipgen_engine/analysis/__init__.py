"""Video analysis: faces, shots and expression tokens of every frame.

The entry point is `analyzer.analyze_video`: worker processes draft the segments of the video, then look at the frames
between in the order in which they are wanted; `findings` joins what they found, `cache` keeps it.
Imports expression_tokens, faces, ranking and video.
"""
