"""The tabs of the app: every public module in this package is one tab and defines ``DEMO``."""
