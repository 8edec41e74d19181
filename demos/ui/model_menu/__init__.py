"""The menu of models of a tab."""
