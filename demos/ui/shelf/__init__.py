"""A shelf of cards under a tab's main result, which open one at a time in one panel."""
