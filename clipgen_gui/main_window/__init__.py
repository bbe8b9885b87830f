"""The main window: composes the rooms and knows none of their insides.

`window.MainWindow` is where one enters; `handlers` say what each command does, `state` what title, toolbar and status
bar show.
Imports every room of the app.
"""
