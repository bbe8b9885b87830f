"""Background computation: analyses and learned tokens.

`queue.AnalysisQueue` analyses one video at a time, `loader` loads stored analyses, and `token_job` computes learned
tokens, those under review first.
Imports document, widgets, look and support.
"""
