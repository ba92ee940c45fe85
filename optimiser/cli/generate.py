"""``optimiser generate``: seeded instances of the families, one subcommand each."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

#: What the sizes of the families mean.
_SIZES: Final = {
    "organisations": "Organisations (or customers).",
    "services": "Services.",
    "centres": "Shared centres (or facilities).",
    "co_operatives": "Co-operatives.",
    "ratio": "Capacity of all facilities over all demand.",
    "cost_class": "Class of opening costs: a, b or c.",
    "symmetric": "Whether costs are symmetric.",
}


class _Families(click.Group):
    """Families as subcommands, looked up only when this command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the families' names."""
        from optimiser.studies.generate import families

        return list(families())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Make the subcommand of one family, each of its sizes an option."""
        from optimiser.studies.generate import families

        known = families()
        if cmd_name not in known:
            return None
        meaning, sizes = known[cmd_name]
        options: list[click.Parameter] = [
            click.Option(
                [f"--{name.replace('_', '-')}"],
                type=type(default),
                default=default,
                show_default=True,
                help=_SIZES.get(name, "A size of the family."),
            )
            for name, default in sizes.items()
        ]
        options += [
            click.Option(
                ["--seed"],
                type=click.IntRange(0),
                default=0,
                show_default=True,
                help="Another seed, another instance; the same seed, the same instance.",
            ),
            click.Option(
                ["--out"],
                required=True,
                metavar="PATH",
                help="Folder to make, or a workbook if it ends in .xlsx.",
            ),
        ]
        return click.Command(
            cmd_name, params=options, help=f"{meaning}.", callback=_callback(cmd_name)
        )

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a family, or say which one may be meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            from optimiser.model.faults import did_you_mean

            names = self.list_commands(ctx)
            hint = did_you_mean(args[0], names) or f"The families are {', '.join(names)}."
            raise click.UsageError(f"There is no family {args[0]!r}. {hint}", ctx) from None


def _callback(family: str) -> Any:
    def draw(seed: int, out: str, **sizes: Any) -> None:
        from optimiser.cli.common import refuse_existing, say
        from optimiser.files.instances import write
        from optimiser.studies.generate import generate as make

        refuse_existing(Path(out))
        instance = make(family, seed=seed, **sizes)
        write(instance, out)
        say(
            f"Wrote {instance.settings.title} to {out}: "
            f"{len(instance['organisations']):,} organisations, {len(instance['demand']):,} pairs, "
            f"{len(instance['providers']):,} providers."
        )
        say(f"Solve it with: optimiser solve {out}")

    return draw


@click.command(
    short_help="Draw a seeded instance of a family.",
    cls=_Families,
    no_args_is_help=True,
    epilog="\b\nExamples:\n  optimiser generate regional --organisations 40 --services 4 --seed 0 "
    "--out r40\n  optimiser generate schools --seed 7 --out schools.xlsx\n"
    "  optimiser generate regional --help",
)
def generate() -> None:
    """Draw a seeded instance of a FAMILY; every size is an option of the family."""
