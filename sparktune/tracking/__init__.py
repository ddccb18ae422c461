"""Runs of MLflow: one for a search, and one for each of its trials."""
