"""What counts as expression: facial actions, without what blinks and head turns do to them.

`actions` joins MediaPipe's blendshapes into actions, `corrections` removes blinks and head turns from their curves, and
`movements` says in words what moves within a window.
"""
