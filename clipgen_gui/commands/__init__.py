"""The commands of the app, each declared once.

`registry` declares them, `keymap` holds the current key bindings, `actions` builds Qt actions and menus from them.
Imports look and support.
"""
