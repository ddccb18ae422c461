"""Models of a search: what they learn from finished trials, suggesters ask."""
