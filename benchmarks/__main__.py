"""``python -m benchmarks``: no traceback for input, a full disk or Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

import click

from benchmarks.commands import main
from optimiser.cli.codes import INPUT, INTERRUPTED, SOLVER
from optimiser.errors import InputError, SolverError


def _run() -> int:
    try:
        code = main.main(prog_name="python -m benchmarks", standalone_mode=False)
    except click.exceptions.Exit as error:
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("Interrupted.")
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return INPUT
    except InputError as error:
        _say(str(error))
        return INPUT
    except SolverError as error:
        _say(str(error))
        return SOLVER
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return INPUT
        where = f"{error.filename}: " if error.filename else ""
        _say(f"{where}{error.strerror or error}")
        return INPUT
    return code if isinstance(code, int) else 0


def _say(text: str) -> None:
    with suppress(OSError):
        click.echo(text, err=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(_run())
