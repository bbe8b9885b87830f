"""The export: what, where to and how, the clips as they come, and what was written.

`flow.ExportFlow` is where one enters; `job` runs the engine's export and its estimate in threads of their own.
Imports document, widgets, look and support.
"""
