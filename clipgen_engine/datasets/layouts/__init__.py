"""Dataset layouts: each converts exported clips to the files of one format.

`registry.load_layout` is the entry point, `base` holds the shared interface, and every other module is one format. To
add a format, add a module with `load(settings, dataset)` and a line in the registry. Modules with heavy libraries are
imported on first use.
"""
