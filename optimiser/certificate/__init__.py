"""Bounds that anyone can recompute in whole numbers: their format, and what accepts or rejects them.

Nothing here imports anything else of the package, numpy or any solver.
"""
