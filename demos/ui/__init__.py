"""Components that tabs share."""
