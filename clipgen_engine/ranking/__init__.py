"""Windows of a video, scored, gated, selected and explained: numpy only.

`ranker.rank_sequences` is where one enters, `ranker.Ranker` for those who rank the same analysis again and again.
Score terms and gates are registries: a new one is a function and an entry.
Imports the names of the blendshapes from faces, and nothing that decodes or runs a model.
"""
