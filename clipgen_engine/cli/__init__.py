"""The command line: arguments, one verb, an exit code.

`main` is where one enters; each subcommand is a file that declares its flags and calls a verb of the rooms below.
Imports every room of the engine. Nothing imports it.
"""
