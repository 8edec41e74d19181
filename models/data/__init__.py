"""The only readers of image files and archives from outside."""
