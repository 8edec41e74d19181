"""Training recipes and the loop that runs them; `python -m models.training` is the command line."""
