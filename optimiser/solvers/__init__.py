"""Solvers: one protocol, a registry, and one child process per solve."""
