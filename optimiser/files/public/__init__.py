"""Public facility location files as instances."""
