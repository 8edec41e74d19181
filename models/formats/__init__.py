"""Layouts of published weights, read into the networks of this project."""
