"""Plans kept small: a compressed CSV of who delivers what, which the plan reader of results takes.

A line a delivery: organisation, service, deliverer (a provider, or ``in-house``), and volume, which
is left blank where it is all that the pair needs. The same plan gives the same bytes.
"""

from __future__ import annotations

import base64
import binascii
import csv
import gzip
import io
import zlib
from typing import TYPE_CHECKING, Final

from optimiser.errors import FileError
from optimiser.files.results import deliveries_of, plan_of

if TYPE_CHECKING:
    from optimiser.model.instance import Instance
    from optimiser.model.plan import Plan

COLUMNS: Final = ("organisation", "service", "deliverer", "volume")


def encode(plan: Plan, instance: Instance) -> bytes:
    """Return a plan as a compressed CSV, rows by organisation and service."""
    needs = _needs(instance)
    text = io.StringIO(newline="")
    rows = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    rows.writeheader()
    found = deliveries_of(instance, plan)
    for delivery in sorted(found, key=lambda each: [each[name] for name in COLUMNS]):
        pair = delivery["organisation"], delivery["service"]
        whole = delivery["volume"] == needs[pair]
        rows.writerow({**delivery, "volume": ""} if whole else delivery)
    target = io.BytesIO()
    # Neither a name nor a date: the same plan gives the same bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=target, compresslevel=9, mtime=0) as file:
        file.write(text.getvalue().encode())
    return target.getvalue()


def decode(content: bytes, instance: Instance) -> Plan:
    """Return the plan that `encode` made `content` of; whether it keeps the rules is not said.

    Raises
    ------
    FileError
        If it is damaged, or of another instance.
    """
    try:
        text = gzip.decompress(content).decode()
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise FileError(f"This is no compressed CSV of a plan ({error}).") from None
    if any(set(row) != set(COLUMNS) or None in row.values() for row in rows) or not rows:
        raise FileError(f"A plan's columns are {', '.join(COLUMNS)}; these are others, or none.")
    needs = _needs(instance)
    for row in rows:
        row["volume"] = row["volume"] or needs.get((row["organisation"], row["service"]), "")
    plan, unknown = plan_of(rows, instance)
    if unknown:
        raise FileError(f"The plan is not of this instance: {unknown[0]}.")
    return plan


def to_text(plan: Plan, instance: Instance) -> str:
    """Return the same as a text for a record."""
    return base64.b64encode(encode(plan, instance)).decode()


def of_text(text: str, instance: Instance) -> Plan:
    """Return the plan that `to_text` made a text of; raise `FileError` if it is damaged."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise FileError(f"The plan of this record is damaged ({error}).") from None
    return decode(content, instance)


def _needs(instance: Instance) -> dict[tuple[str, str], str]:
    """Return the whole volume of each (organisation, service), as `deliveries_of` writes it."""
    from optimiser.model.instance import decimal_text

    demand, decimals = instance["demand"], instance.settings.volume_decimals
    organisations = instance["organisations"].keys[demand["organisation"]].tolist()
    services = instance["services"].keys[demand["service"]].tolist()
    volumes = [decimal_text(volume, decimals) for volume in demand["volume"].tolist()]
    return dict(zip(zip(organisations, services, strict=True), volumes, strict=True))
