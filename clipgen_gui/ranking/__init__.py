"""Controls of the ranking, and explanations of why a window is listed or not.

Entry point: `room.RankingRoom`. `panel.RankingPanel` holds weights, gates and regions; `explanation.ExplanationPanel`
shows the answer kept up to date by `explainer`.
Imports document, widgets, look and support.
"""
