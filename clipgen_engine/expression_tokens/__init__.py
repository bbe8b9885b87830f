"""Expression tokens: one vector per face and frame that describes the expression.

The entry point is `backends.load_backend`. Blendshapes come with the analysis; learned tokens are computed afterwards
by `filling`, in the order given by `priorities`, and persisted by `store`.
Imports ranking (for the order of computation), faces and video. torch is imported only to load a checkpoint.
"""
