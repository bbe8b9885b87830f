"""Decided windows become files that training code reads.

`export.export_clips` is where one enters; `request` says what it gets and `results` what it tells. The export folder
and its manifest belong to `folder` and `manifest`, the file formats to `layouts`.
Imports projects, analysis, clips and what lies below them.
"""
