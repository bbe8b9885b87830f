"""The settings window, made from what is declared.

`window.SettingsWindow` is where one enters; a line of a page is a `field` or a `shortcut_field`.
Imports document, widgets, commands, look and support.
"""
