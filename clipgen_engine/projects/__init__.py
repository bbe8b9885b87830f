"""Projects: one SQLite file each, with videos, settings and review decisions.

`store.Project` is the entry point; `file` opens, migrates and copies the database; `ranking` ranks the windows of all
videos together; `curators` splits projects and merges them.
Imports analysis (the stored analyses) and ranking.
"""
