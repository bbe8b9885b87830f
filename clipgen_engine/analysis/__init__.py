"""A video becomes an Analysis: faces, shots and tokens of every frame.

`analyzer.analyze_video` is where one enters. It cuts the video into segments, has worker processes look at them, joins
what they find, and keeps the result in the cache.
Imports expression_tokens, faces and video.
"""
