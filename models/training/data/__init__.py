"""Data sets in memory, augmentations and the audit of uploads."""
