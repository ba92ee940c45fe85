"""General mixed-integer solvers: one matrix, one adapter each."""
