"""Reusable controls: cards, labels, setting controls, messages.

They take values and emit signals; none depends on the session.
Imports commands, look and support.
"""
