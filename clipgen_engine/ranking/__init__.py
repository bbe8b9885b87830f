"""Scoring, gating, selection and explanation of windows; NumPy only.

The entry point is `ranker.rank_sequences`, or `ranker.Ranker` to rank the same analysis repeatedly. Score terms and
gates are registries: to add one, add a function and an entry.
Imports the blendshape names from faces, and nothing that decodes video or runs a model.
"""
