"""Review of the ranked windows.

`room.ReviewRoom` is the entry. `panel.WindowsPanel` lists the windows as a table or film strip, `contact_sheet` plays
pages of them side by side, `details` edits tags, note and subject; `thumbnails` decodes their pictures.
Imports document, widgets, commands, look and support.
"""
