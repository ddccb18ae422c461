"""Stores: the trials of searches in a database, which drivers and workers share."""
