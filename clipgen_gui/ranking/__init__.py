"""The controls of the ranking, and why a window stands where it stands.

`panel.RankingPanel` holds weights, gates and regions; `explanation.ExplanationPanel` shows the answer that `explainer`
keeps up to date.
Imports document, widgets, look and support.
"""
