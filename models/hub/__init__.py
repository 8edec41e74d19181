"""The client of the Hugging Face Hub and the records of weights."""
