"""The command line interface.

`main` is the entry point; each subcommand is a module that declares its flags and calls the packages below.
Imports every package of the engine. Nothing imports it.
"""
