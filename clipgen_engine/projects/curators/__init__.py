"""Several curators on one project: it is split, everybody decides alone, and the decisions are brought together.

`assignment.assign` writes the projects of the curators and `merging.merge_parts` brings their decisions back;
`agreement` says how far two curators agree where both decided.
"""
