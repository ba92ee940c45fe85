"""Recipes of the generated families, one module each; `optimiser.studies.generate` calls them."""
