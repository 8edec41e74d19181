"""Questions on one screen that an audience answers by phone, over plain HTTP in the local network."""
