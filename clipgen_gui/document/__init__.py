"""The mutable state of the app: videos, decisions, settings and undo, with their persistence.

Entry point: `session.Session`; views call its methods and follow its signals. `storage` persists it in the project,
`preferences` holds the user's settings on this computer.
Imports support. Knows no views, colours or keys.
"""
