"""What every room stands on: threads that run the engine, signals, and words for numbers.

`jobs` run engine verbs, `request_thread` serves the newest request, `signals` end with their owner, `formatting` says
times and counts, `error_report` collects what went wrong.
Imports nothing of the app.
"""
