"""Theme: colours, text size, icons and the style sheet.

`theme` is the entry: widgets read colours and lengths from it and follow its changes.
Imports support.
"""
