"""Who pays what: the game of groups that could leave, and ways to share the cost of a plan."""
