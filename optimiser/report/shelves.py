"""A folder of results and studies, listed as a page and served on this machine only."""

from __future__ import annotations

import json
import urllib.parse
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jinja2

from optimiser.errors import OptimiserError
from optimiser.report.pages import report_page
from optimiser.report.words import percent

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEMPLATES: Final = Path(__file__).parent / "templates"
#: Files that say that a folder holds something, and folders below that are looked into.
_MARKS: Final = ("study.json", "result.json")
_DEPTH: Final = 4
#: Most folders that are listed.
_MOST: Final = 2_000
#: Largest result.json or study.json that the list reads.
_LARGEST: Final = 200_000_000
#: Only styles of the page itself; no script, no picture, no request to anybody.
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One result or study in the list: its place below the folder, and what is said of it."""

    place: str
    kind: str
    title: str
    status: str
    cost: str
    gap: str
    date: str


def list_items(folder: Path) -> list[Item]:
    """Return the results and studies below a folder, the latest first.

    Results inside of studies are part of their study and are not listed by themselves.
    """
    found = [
        _item(folder, place) for _, place in zip(range(_MOST), _places(folder, 0), strict=False)
    ]
    return sorted(found, key=lambda item: item.date, reverse=True)


def _places(folder: Path, depth: int) -> Iterator[Path]:
    """Yield folders that hold something, without following links."""
    if any((folder / mark).is_file() for mark in _MARKS):
        yield folder
        return
    if depth >= _DEPTH:
        return
    try:
        below = sorted(each for each in folder.iterdir() if each.is_dir() and not each.is_symlink())
    except OSError:
        return
    for each in below:
        if not each.name.startswith("."):
            yield from _places(each, depth + 1)


def _item(folder: Path, place: Path) -> Item:
    relative = place.relative_to(folder).as_posix()
    study = (place / _MARKS[0]).is_file()
    content: dict[str, Any] = {}
    try:
        file = place / _MARKS[0 if study else 1]
        if file.stat().st_size <= _LARGEST:
            read = json.loads(file.read_bytes())
            content = read if isinstance(read, dict) else {}
    except (OSError, ValueError, RecursionError):
        content = {}
    instance = content.get("instance")
    instance = instance if isinstance(instance, dict) else {}
    headline = content.get("headline")
    first = str(headline[0]) if isinstance(headline, list) and headline else ""
    cost, gap = content.get("cost"), content.get("gap")
    currency = str(instance.get("currency") or content.get("currency") or "")
    text = str(cost.get("text") or "") if isinstance(cost, dict) else ""
    return Item(
        place=relative,
        kind=str(content.get("kind", "study")) if study else "result",
        title=str(instance.get("title") or instance.get("source") or place.name),
        status=first if study else str(content.get("status", "cannot be read")),
        cost=f"{_separated(text)} {currency}".strip() if text else "",
        gap=percent(gap) if isinstance(gap, int | float) and not study else "",
        date=str(content.get("date", ""))[:16].replace("T", " "),
    )


def _separated(text: str) -> str:
    try:
        return f"{float(text):,.2f}"
    except ValueError:
        return text


def list_page(folder: Path) -> bytes:
    """Return the page that lists a folder, in UTF-8."""
    items = [
        {"item": item, "href": "/report/" + urllib.parse.quote(item.place)}
        for item in list_items(folder)
    ]
    return _page(title=f"Results in {folder.name or folder}", items=items, message="")


def _page(*, title: str, items: list[dict[str, Any]], message: str) -> bytes:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True,
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    page = environment.get_template("shelf.html").render(
        title=title, items=items, message=message, policy=_POLICY
    )
    return page.encode("utf-8", errors="replace")


class Shelf(ThreadingHTTPServer):
    """Serves a folder's list and reports on the loopback address.

    Whoever asks has to name this machine as the host, so that no page of another site can read
    anything by way of a name that it lets point here.

    Parameters
    ----------
    folder
        What is served: nothing outside of it, and nothing but pages made of what is in it.
    port
        Port; 0 for any that is free.

    Raises
    ------
    OSError
        The port is taken.
    """

    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder.resolve()
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def knows(self, host: str) -> bool:
        """Whether a request's Host header names this server."""
        port = self.server_address[1]
        return host.strip().lower() in (f"127.0.0.1:{port}", f"localhost:{port}")

    def answer(self, path: str) -> tuple[HTTPStatus, bytes]:
        """Return the status and the page for a path."""
        if path == "/":
            return HTTPStatus.OK, list_page(self.folder)
        place = self.place_of(path)
        if place is None:
            return HTTPStatus.NOT_FOUND, _page(
                title="Not here", items=[], message="There is no such result in this folder."
            )
        try:
            return HTTPStatus.OK, report_page([place])
        except OptimiserError as error:
            return HTTPStatus.OK, _page(title="It cannot be shown", items=[], message=str(error))

    def place_of(self, path: str) -> Path | None:
        """Return the folder that a path names; None if it is none below the folder served."""
        if not path.startswith("/report/"):
            return None
        wanted = urllib.parse.unquote(path.removeprefix("/report/"))
        if "\0" in wanted or "\\" in wanted:
            return None
        parts = [part for part in wanted.split("/") if part not in ("", ".")]
        if ".." in parts:
            return None
        place = self.folder.joinpath(*parts)
        try:
            real = place.resolve()
        except (OSError, RuntimeError):
            return None
        if real != place or not real.is_relative_to(self.folder):
            return None  # by way of a link
        return place if any((place / mark).is_file() for mark in _MARKS) else None


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD, for pages only."""

    server: Shelf
    server_version = "optimiser"
    sys_version = ""
    timeout = 30

    def do_GET(self) -> None:
        """Send a page."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """Send what would come before it."""
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        if not self.server.knows(self.headers.get("Host", "")):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "This server is for this machine only")
            return
        path = urllib.parse.urlsplit(self.path).path
        status, page = self.server.answer(path)
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Frame-Options", "DENY")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.end_headers()
        if body:
            self.wfile.write(page)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: the library does not write to the terminal."""
