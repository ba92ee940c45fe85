"""A browser for tests: the system's Chromium, driven by playwright; skipped where there is none."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome")
     if (path := shutil.which(name))), None,
)  # fmt: skip


@contextlib.contextmanager
def started() -> Iterator[Any]:
    """Start the browser; skip where there is none, and say what to install."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here; apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Opened:
    """A page that is open, with everything that it said and asked for."""

    def __init__(self, browser: Any, file: Path) -> None:
        self.page = browser.new_page(viewport={"width": 1280, "height": 900})
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append("a dialog"), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri(), wait_until="load")

    def draw_all(self) -> None:
        """Scroll through the page, so that every figure is drawn."""
        for place in self.page.query_selector_all("[data-figure]"):
            place.scroll_into_view_if_needed()
            self.page.wait_for_function("place => place.querySelector('.main-svg')", arg=place)
        for fold in self.page.query_selector_all("details:not([open]) > summary"):
            fold.click()
        self.page.wait_for_function(  # the fold tells of its opening a moment later
            "() => [...document.querySelectorAll('[data-table]')].every("
            "each => each.childElementCount)"
        )

    def check(self) -> None:
        """Raise if it complained, or asked for anything but itself and what it made."""
        assert not self.said
        strangers = [each for each in self.asked[1:] if not each.startswith(("data:", "blob:"))]
        assert not strangers
