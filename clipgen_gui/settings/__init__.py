"""The settings window, generated from the declared settings and commands.

Entry point: `room.SettingsRoom`. `window.SettingsWindow` has the pages; a line of a page is a `field` or a
`shortcut_field`.
Imports document, widgets, commands, look and support.
"""
