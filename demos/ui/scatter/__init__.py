"""The scatter plot of thumbnails."""
