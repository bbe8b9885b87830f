"""The curves over time, with windows, cuts and playhead.

`panel.ScorePlot` is where one enters; `curves` declares every curve once, `items` draw, `axes` take mouse and wheel.
Imports document, widgets, look and support.
"""
