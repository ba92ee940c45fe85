"""The command ``optimiser``: its commands and its exit codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

import click

from optimiser.cli.alternatives import alternatives
from optimiser.cli.check import check
from optimiser.cli.compare import compare
from optimiser.cli.convert import convert
from optimiser.cli.draft import draft
from optimiser.cli.explain import explain
from optimiser.cli.frontier import frontier
from optimiser.cli.generate import generate
from optimiser.cli.guard import Program, run_program
from optimiser.cli.new import new
from optimiser.cli.phase import phase
from optimiser.cli.report import report
from optimiser.cli.robust import robust
from optimiser.cli.schema import schema
from optimiser.cli.share import share
from optimiser.cli.solve import solve
from optimiser.cli.solvers import solvers
from optimiser.cli.sweep import sweep
from optimiser.cli.verify import verify
from optimiser.cli.view import view

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


@click.group(
    name="optimiser",
    cls=Program,
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


_COMMANDS: Final = (
    new,
    check,
    solve,
    verify,
    report,
    view,
    compare,
    sweep,
    robust,
    frontier,
    alternatives,
    share,
    explain,
    phase,
    draft,
    generate,
    convert,
    solvers,
    schema,
)
for _command in _COMMANDS:
    main.add_command(_command)


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; no traceback ever reaches the user.

    Parameters
    ----------
    arguments
        What follows the program's name; by default those of the process.
    """
    run_program(main, "optimiser", arguments)


if __name__ == "__main__":
    run()
