"""Which videos there are: opened, listed, looked at, saved and found again.

`flow.ProjectFlow` is where one enters, `video_list` shows the videos, `scout` looks at their files.
Imports document, widgets, commands, look and support.
"""
