"""Controls that every panel is made of: cards, labels, setting boxes, messages.

Each takes what it shows and says what was done; none knows the session.
Imports commands, look and support.
"""
