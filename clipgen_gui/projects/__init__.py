"""The project and its videos: open, list, check, save and relink.

Entry point: `room.ProjectsRoom`. `flow` opens and saves, `video_list` shows the videos, `scout` checks their files in a
worker thread.
Imports document, widgets, commands, look and support.
"""
