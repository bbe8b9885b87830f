"""Dataset layouts: exported clips in, the files of one format out.

`registry.load_layout` is where one enters, `layout` is what each has in common, and every other file is one format.
A new one is a file with `load(settings, dataset)` and a line in the registry. A heavy library is imported with it,
when it is first used.
"""
