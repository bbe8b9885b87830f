"""The export window: scope, options, preview, progress and results.

`room.ExportRoom` is the entry. `flow.ExportFlow` drives the window; `job` runs the engine's export and its estimate in
background threads.
Imports document, widgets, look and support.
"""
