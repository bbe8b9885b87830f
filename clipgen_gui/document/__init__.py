"""The one mutable state: videos, decisions, settings, undo, and where they are kept.

`session.Session` is where one enters: views call its methods and follow its signals. `storage` writes what it decides
into the project, `preferences` hold what belongs to the computer.
Imports support. It knows no view, no colour and no key.
"""
