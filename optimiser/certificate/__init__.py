"""Bounds that anyone can recompute in whole numbers: format, writer and verifier.

Nothing here imports anything else of the package, numpy or any solver.
"""
