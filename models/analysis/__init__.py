"""Measures and projections of features, images and predictions."""
