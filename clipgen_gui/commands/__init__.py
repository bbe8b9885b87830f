"""What the app can be told to do: one declaration a command.

`registry` declares them, `keymap` says which keys each has now, `actions` makes Qt actions and menus of them.
Imports look and support.
"""
