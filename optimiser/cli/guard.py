"""The last line of defence of a command line: streams, signals, and what each error ends with."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from optimiser.cli.codes import FAULT, INPUT, INTERRUPTED, SOLVER
from optimiser.errors import InputError, InternalError, SolverError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Program(click.Group):
    """The group, whose own ends to Ctrl-C and failed output come before click's."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command and return its exit code."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _say("Interrupted.")
            return INTERRUPTED
        except OSError as error:
            return _output_failed(error)


def run_program(
    program: Program, name: str, arguments: Sequence[str] | None = None, *, fault: int = FAULT
) -> NoReturn:
    """Run a command line and exit; no traceback ever reaches the user.

    Parameters
    ----------
    program, name
        The commands, and how whoever calls them writes it.
    arguments
        What follows the program's name; by default those of the process.
    fault
        Exit code of a fault of ours.
    """
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter shows a question mark instead of stopping us.
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        # A closed terminal, but not under nohup.
        hangup = getattr(signal, "SIGHUP", None)
        if hangup is not None and signal.getsignal(hangup) == signal.SIG_DFL:
            signal.signal(hangup, signal.default_int_handler)
    atexit.register(_deafen)
    code = _guarded(program, name, arguments, fault)
    try:
        sys.stdout.flush()
    except OSError as error:
        _abandon_stdout()
        code = _output_failed(error)
    sys.exit(code)


def _open_streams() -> None:
    """Stand in for output streams that were closed before we began."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            nothing = os.open(os.devnull, os.O_WRONLY)
            stream = os.fdopen(nothing, "w", encoding="utf-8", closefd=False)
            setattr(sys, name, stream)


def _deafen() -> None:
    """Let no late Ctrl-C change the exit code while Python takes itself apart."""
    with contextlib.suppress(ValueError):
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)


def _guarded(
    program: Program, name: str, arguments: Sequence[str] | None, fault: int
) -> int:
    try:
        code = program.main(
            args=None if arguments is None else list(arguments),
            prog_name=name,
            standalone_mode=False,
        )
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.Abort:  # Ctrl-C while the arguments were read
        _say("Interrupted.")
        return INTERRUPTED
    except SystemExit:  # click's end where whoever read the help has gone
        _abandon_stdout()
        return INPUT
    except click.ClickException as error:
        with contextlib.suppress(OSError):
            error.show()
        return INPUT
    except InputError as error:
        _say(str(error))
        return INPUT
    except SolverError as error:
        _say(str(error))
        return SOLVER
    except InternalError as error:
        _tell_fault(error)
        return fault
    except OSError as error:
        return _output_failed(error)
    except MemoryError:
        _say(
            "There is not enough memory for this. Close other programs, or take a smaller instance."
        )
        return SOLVER
    except Exception as error:
        _tell_fault(error)
        return fault


def _say(message: str) -> None:
    """Write to stderr; where even that is gone there is nobody to tell."""
    from optimiser.report.words import safe

    with contextlib.suppress(OSError):
        for line in message.splitlines():
            click.echo(safe(line), err=True)


def _output_failed(error: OSError) -> int:
    if isinstance(error, BrokenPipeError):
        _abandon_stdout()
        _say("Whoever read the output has gone; the rest was not written.")
    else:
        where = f"{error.filename}: " if error.filename else ""
        _say(f"{where}{error.strerror or error}. Nothing more could be read or written there.")
    return INPUT


def _abandon_stdout() -> None:
    """Point stdout at nothing, so that Python's flush at exit does not fail again."""
    with contextlib.suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)


def _tell_fault(error: Exception) -> None:
    """Keep the details in a file and tell the user where."""
    import platform
    import tempfile
    import traceback

    import optimiser

    text = "".join(
        [
            f"optimiser {optimiser.__version__}, Python {sys.version}, {platform.platform()}\n",
            f"arguments: {sys.argv[1:]!r}\n\n",
            *traceback.format_exception(error),
        ]
    )
    summary = f"{type(error).__name__}: {error}".splitlines()[0]
    _say(f"This is a fault of optimiser, not of your data. {summary}")
    try:
        descriptor, path = tempfile.mkstemp(prefix="optimiser-fault-", suffix=".log")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        _say("The details could not be written to a file:")
        _say(text)
    else:
        _say(
            f"The details are in {path}; please report it to whoever gave you this program, with "
            "that file and, if you may, the instance."
        )
