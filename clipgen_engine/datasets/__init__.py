"""Export of reviewed windows as datasets for training code.

`export.export_clips` is the entry point; `request` holds its input and `results` its output. `folder` and `manifest`
manage the export folder and its manifest, `layouts` the file formats.
Imports projects, analysis, clips and the packages below them.
"""
