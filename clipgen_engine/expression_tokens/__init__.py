"""One vector a face and frame that describes the expression.

`backends.load_backend` is where one enters: blendshapes come with the analysis, learned tokens are computed afterwards,
in the order that `priorities` says, by `filling`, and kept by `store`.
Imports ranking (which windows matter first), faces and video. torch is imported with a checkpoint, not before.
"""
