"""Engines on Spark."""
