"""Shared infrastructure: worker threads, signal helpers, formatting and error reports.

`jobs` runs engine verbs in worker threads, `request_thread` serves the newest request, `signals` ties connections to
the lifetime of their owner, `formatting` formats times and counts, `error_report` builds the text of bug reports.
Imports nothing of the app.
"""
