"""Video analysis: faces, shots and expression tokens of every frame.

The entry point is `analyzer.analyze_video`: it splits the video into segments, analyses them in worker processes, joins
their results and caches the `Analysis`.
Imports expression_tokens, faces and video.
"""
