"""Where a training runs: local processes or Hugging Face Jobs."""
