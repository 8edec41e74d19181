"""Held-out measures, model cards, export and publishing."""
