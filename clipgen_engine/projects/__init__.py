"""A project is one SQLite file with its videos, settings and every decision.

`store.Project` is where one enters; `file` opens, migrates and copies what lies on disk; `ranking` ranks the windows of
all its videos together.
Imports analysis (the stored analyses) and ranking.
"""
