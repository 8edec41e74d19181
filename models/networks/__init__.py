"""The networks, their layers and losses: torch only."""
