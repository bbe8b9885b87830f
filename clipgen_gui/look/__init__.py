"""Colours, text size, icons and the one style sheet.

`theme` is where one enters: widgets ask it for colours and lengths and follow its changes.
Imports support.
"""
