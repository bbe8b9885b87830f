"""The ranked windows, to be looked at and decided on.

`panel.WindowsPanel` holds table and film strip, `contact_sheet` the pages that play, `details` tags, note and subject.
Small pictures come from `thumbnails`.
Imports document, widgets, commands, look and support.
"""
