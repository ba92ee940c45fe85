"""The command ``optimiser``: its commands, its exit codes, and the last line of defence."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from optimiser.cli.check import check
from optimiser.cli.codes import FAULT, INPUT, INTERRUPTED, SOLVER
from optimiser.cli.convert import convert
from optimiser.cli.generate import generate
from optimiser.cli.new import new
from optimiser.cli.schema import schema
from optimiser.cli.solve import solve
from optimiser.cli.solvers import solvers
from optimiser.cli.verify import verify
from optimiser.errors import InputError, InternalError, SolverError

if TYPE_CHECKING:
    from collections.abc import Sequence

_EPILOG: Final = """
\b
Begin with:
  optimiser new my-study --from southwest-one
  optimiser solve my-study --out my-study-result

\b
Exit codes:
  0  solved within the gap asked for     4  there is no plan (proved)
  1  a fault of this program             5  no plan found in the time given
  2  input or usage                      6  the solver failed
  3  stopped at a limit, with a plan     130  interrupted
"""


def _version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        import optimiser

        click.echo(f"optimiser {optimiser.__version__}")
        context.exit()


class _Program(click.Group):
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


@click.group(
    name="optimiser",
    cls=_Program,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Decide who should deliver each public service.

    For each organisation and each service it needs: a shared centre, a local co-operative, or the
    organisation itself. The plan sought costs least in a year, oversight included.
    """


for _command in (new, check, solve, verify, generate, convert, solvers, schema):
    main.add_command(_command)


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; no traceback ever reaches the user.

    Parameters
    ----------
    arguments
        What follows the program's name; by default those of the process.
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
    code = _guarded(arguments)
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


def _guarded(arguments: Sequence[str] | None) -> int:
    try:
        code = main.main(
            args=None if arguments is None else list(arguments),
            prog_name="optimiser",
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
        return _our_fault(error)
    except OSError as error:
        return _output_failed(error)
    except MemoryError:
        _say(
            "There is not enough memory for this. Close other programs, or take a smaller instance."
        )
        return SOLVER
    except Exception as error:
        return _our_fault(error)


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


def _our_fault(error: Exception) -> int:
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
    return FAULT


if __name__ == "__main__":
    run()
