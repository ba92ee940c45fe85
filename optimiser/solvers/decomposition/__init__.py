"""The engine that knows the structure of the problem: bounds, search and proof."""
