"""Seeded instances: the project's own families, and three published recipes.

The same family, seed and sizes give the same instance on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from optimiser.errors import UsageError
from optimiser.model.build import instance_from
from optimiser.studies.families.everything import everything
from optimiser.studies.families.oversight import oversight, schools
from optimiser.studies.families.published import cornuejols, koerkel_ghosh, yang
from optimiser.studies.families.regional import regional, staircase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from optimiser.model.instance import Instance
    from optimiser.studies.families.draws import Tables

    #: A number, a yes or no, or a word.
    Size = int | float | bool | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One family: what it is, how its tables are made, and the sizes it takes.

    Parameters
    ----------
    meaning
        One sentence.
    make
        Makes the tables from the seed and every size by name.
    sizes
        Defaults of the sizes; a default's type is the size's type.
    sourcing
        ``single`` or ``split``.
    price_year
        Of instance.toml, or None.
    """

    meaning: str
    make: Callable[..., Tables]
    sizes: Mapping[str, Size]
    sourcing: str = "single"
    price_year: int | None = 2010


def _sizes(organisations: int, services: int, centres: int, co_operatives: int) -> dict[str, Size]:
    return {"organisations": organisations, "services": services, "centres": centres,
            "co_operatives": co_operatives}  # fmt: skip


FAMILIES: Final[dict[str, Family]] = {
    "regional": Family(
        meaning="Councils around towns; centres and co-operatives with economies of scale",
        make=regional,
        sizes=_sizes(40, 4, 8, 12),
    ),
    "oversight": Family(
        meaning="Regional, with an authority per town whose officers oversee every contract",
        make=oversight,
        sizes=_sizes(40, 4, 8, 12),
    ),
    "staircase": Family(
        meaning="Regional, with capacity bought in blocks and a dear overtime band on top",
        make=staircase,
        sizes=_sizes(40, 4, 8, 12),
    ),
    "schools": Family(
        meaning="Many small bodies; co-operatives formed by five to forty near neighbours",
        make=schools,
        sizes=_sizes(300, 6, 8, 40),
    ),
    "everything": Family(
        meaning="Oversight, with incumbents, one-off costs, links, policies and all limits",
        make=everything,
        sizes=_sizes(40, 4, 8, 12),
    ),
    "cornuejols": Family(
        meaning="Capacitated location, split sourcing (Cornuéjols, Sridharan & Thizy 1991)",
        make=cornuejols,
        sizes={"organisations": 100, "centres": 100, "ratio": 5.0},
        sourcing="split",
        price_year=None,
    ),
    "koerkel-ghosh": Family(
        meaning="Uncapacitated location with a wide gap (Körkel 1989, Ghosh 2003)",
        make=koerkel_ghosh,
        sizes={"organisations": 250, "cost_class": "a", "symmetric": False},
        price_year=None,
    ),
    "yang": Family(
        meaning="Capacitated location, single sourcing (Yang, Chu & Chen 2012)",
        make=yang,
        sizes={"organisations": 200, "centres": 30, "ratio": 1.8},
        price_year=None,
    ),
}


#: Largest size; long before it, memory ends.
_MOST: Final = 10_000_000


def families() -> dict[str, tuple[str, dict[str, Size]]]:
    """Return each family's meaning and its sizes with their defaults, by name."""
    return {name: (family.meaning, dict(family.sizes)) for name, family in FAMILIES.items()}


def generate(family: str, *, seed: int = 0, **sizes: Size) -> Instance:
    """Draw an instance of a family.

    Parameters
    ----------
    family
        One of `families`.
    seed
        Whole number from 0; another seed gives another instance.
    **sizes
        Sizes by name, as `families` lists them; what is left out has its default.

    Returns
    -------
    Instance
        Validated, like one that was read from files.

    Raises
    ------
    UsageError
        If there is no such family or size, or a size is out of bounds.
    """
    recipe = FAMILIES.get(family)
    if recipe is None:
        raise UsageError(f"There is no family {family!r}; choose from {', '.join(FAMILIES)}.")
    if seed < 0:
        raise UsageError(f"The seed must be 0 or more, not {seed}.")
    given = {**recipe.sizes, **{name: _fitting(recipe, name, size) for name, size in sizes.items()}}
    settings: dict[str, object] = {
        "title": _title(family, given, seed),
        "sourcing": recipe.sourcing,
        "distance": {"metric": "straight-line"},
    }
    if recipe.price_year is not None:
        settings["price_year"] = recipe.price_year
    tables = recipe.make(seed, **given)
    return instance_from(cast("Mapping[str, Mapping[str, Sequence[object]]]", tables), settings)


def _fitting(recipe: Family, name: str, size: Size) -> Size:
    """Return the size if the family has it and it is of the right type and sign."""
    if name not in recipe.sizes:
        known = ", ".join(recipe.sizes)
        raise UsageError(f"This family has no size {name!r}; it has {known}.")
    default = recipe.sizes[name]
    if isinstance(default, float) and type(size) is int:
        size = float(size)
    if type(size) is not type(default):
        kind = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}
        raise UsageError(f"{name} must be {kind[type(default)]}, not {size!r}.")
    if isinstance(size, str):
        return size
    least = 0 if name in ("centres", "co_operatives") and "services" in recipe.sizes else 1
    if isinstance(size, int) and not isinstance(size, bool) and size < least:
        raise UsageError(f"{name} must be at least {least}, not {size}.")
    if isinstance(size, float) and (size <= 0 or size != size):
        raise UsageError(f"{name} must be above 0, not {size}.")
    if size > _MOST:
        raise UsageError(f"{name} must be at most {_MOST:,}, not {size}.")
    return size


def _title(family: str, sizes: Mapping[str, Size], seed: int) -> str:
    """Return a title like `regional 40x4, 8 centres, 12 co-operatives, seed 0`."""
    if "services" in sizes:
        extent = (
            f"{sizes['organisations']}x{sizes['services']}, {sizes['centres']} centres, "
            f"{sizes['co_operatives']} co-operatives"
        )
    else:
        extent = ", ".join(f"{name.replace('_', ' ')} {size}" for name, size in sizes.items())
    return f"{family} {extent}, seed {seed}"
