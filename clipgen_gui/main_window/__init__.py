"""The main window: composes the rooms through their `room.X` entries without knowing their internals.

Entry point: `window.MainWindow`, which wires the rooms and maps commands to handlers; `state` updates title, toolbar,
status bar and hints.
Imports every room of the app.
"""
