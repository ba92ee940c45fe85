"""Studies: what a planner asks beyond one plan. Instances are drawn in `generate`."""
