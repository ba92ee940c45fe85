"""A hundred names that would do harm if anything took them for more than texts."""

from __future__ import annotations

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "=1+1",
    '=HYPERLINK("http://x","y")',
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "#N/A",
    "{{7*7}}",
    "\u202egnp.exe",
    "zero\u200bwidth\u2060s",
    "\ufefffirst",
    "'; DROP TABLE x;--",
    'quote " and, comma',
    "[bold]red[/bold]",
    "TRUE",
    "1e5",
    "2026-11-26",
    "_x0041_",
    "ï¿½ 漢字 😀",
    "x" * 5000,
]
#: A hundred: each of the first twenty behind each of these, too.
HOSTILE = [*HOSTILE[:-1], *(before + name for before in ("=", "@", "\t<b>", "\u2067")
                            for name in HOSTILE[:-1])]  # fmt: skip
HOSTILE[-1] = "=" + "x" * 32_000
