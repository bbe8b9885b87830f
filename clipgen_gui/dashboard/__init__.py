"""The dashboard: how far the project is, by day, curator, subject, tag, split and video.

A page in place of player and curves. Its charts are clicked to filter the list of windows, and its goals say what is
still needed. The numbers come from the engine's statistics of the project.
Imports document, widgets, look and support.
"""
