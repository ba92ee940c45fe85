"""``python -m benchmarks``: no traceback for input, a full disk or Ctrl-C."""

from __future__ import annotations

from benchmarks.commands import FAULT, main
from optimiser.cli.guard import run_program

if __name__ == "__main__":
    run_program(main, "python -m benchmarks", fault=FAULT)
