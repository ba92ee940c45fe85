"""Pages that ask nobody for anything: all scripts and styles inlined, and a policy that says so.

The policy names each script by its hash, so that no other can run: whatever a name in the data
holds, and even if escaping failed, a browser would not execute it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def render_page(
    template: Path, values: Mapping[str, Any], *, scripts: Sequence[str], data: Any = None
) -> bytes:
    """Return an HTML page in UTF-8.

    Parameters
    ----------
    template
        A Jinja file; those that it includes lie beside it. Everything put into it is escaped. It
        gets `values` and besides `policy` (content of the meta tag), `scripts` (elements) and
        `data` (an element of JSON with the id ``data``).
    values
        What the template shows.
    scripts
        Sources of the scripts, in order.
    data
        What the scripts read, as JSON.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # A browser reads every line end as one line feed, and hashes what it has read.
    sources = [source.replace("\r\n", "\n").replace("\r", "\n") for source in scripts]
    page = environment.get_template(template.name).render(
        values,
        policy=_policy(sources),
        scripts=Markup("\n").join(Markup(f"<script>{source}</script>") for source in sources),
        data=Markup(f'<script type="application/json" id="data">{_json(data)}</script>'),
    )
    return page.encode("utf-8", errors="replace")


def plotly_script() -> str:
    """Return the source of plotly's script, some 5 MB."""
    from plotly.offline import get_plotlyjs

    source: str = get_plotlyjs()
    return source


def _policy(sources: Sequence[str]) -> str:
    hashes = []
    for source in sources:
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        hashes.append(f"'sha256-{digest}'")
    # Plotly sets the styles of what it draws, and offers its picture as data: and blob: images.
    return (
        f"default-src 'none'; script-src {' '.join(hashes) or repr('none')}; "
        "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _json(data: Any) -> str:
    """Write JSON that can end no element and open no comment."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
