"""Networks, losses and weights of Unlabeled; nothing here knows of any user interface."""
