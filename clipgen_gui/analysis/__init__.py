"""What the engine computes in the background: analyses and learned tokens.

`queue.AnalysisQueue` analyses one video after another, `loader` brings stored analyses back, `token_job` fills learned
tokens in, where the curator looks first.
Imports document, widgets, look and support.
"""
