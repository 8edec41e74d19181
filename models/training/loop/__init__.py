"""The training loop, run folders and initial weights."""
