"""The score plot: curves over time with windows, cuts and playhead.

`panel.ScorePlot` is the entry. `curves` declares the available curves, `items` draws them, `axes` handles mouse input
and zoom, `overview` shows the whole video.
Imports document, widgets, look and support.
"""
