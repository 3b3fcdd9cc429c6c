"""A real Chromium for the page's tests. Every page opened here is watched: for errors, and for requests to anyone else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def _chromium(bundled: str) -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), bundled if Path(bundled).is_file() else None)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless Chromium: the installed one, or Playwright's own."""
    with sync_playwright() as playwright:
        path = _chromium(playwright.chromium.executable_path)
        if not path:
            why = "no Chromium was found; install one ('apt-get install chromium' or 'playwright install chromium')"
            if os.environ.get("CI") == "true":
                pytest.fail(why)
            pytest.skip(why)
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        opened = playwright.chromium.launch(executable_path=path, args=options)
        yield opened
        opened.close()


@dataclass
class Visits:
    """Opens pages of the server and keeps what happened on them."""

    browser: Browser
    server: str
    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)

    def __call__(self, path: str, *, javascript: bool = True, width: int = 390, height: int = 844, script: str = "", **options: Any) -> Page:
        """A fresh browser profile at an address of the server; `script` runs before the page's own."""
        context = self.browser.new_context(
            java_script_enabled=javascript, viewport={"width": width, "height": height}, locale=options.pop("locale", "en-GB"), **options
        )
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if _is_fault(message.text, message.type) else None)
        page.route(lambda url: _origin(url) != _origin(self.server), self._outside)
        page.goto(self.server + path)
        self.pages.append(page)
        return page

    def _outside(self, route: Route) -> None:
        self.elsewhere.append(route.request.url)
        route.fulfill(status=200, content_type="text/html", body="<title>Elsewhere</title>")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _is_fault(text: str, kind: str) -> bool:
    """Whether a line of the console is a fault of the page; a request that a test makes fail is none."""
    return kind == "error" and not text.startswith("Failed to load resource")


@pytest.fixture
def visit(browser: Browser, server: object) -> Iterator[Visits]:
    """Opens pages; afterwards nothing may have gone wrong on them, and nobody else may have been asked for anything."""
    visits = Visits(browser, str(server))
    yield visits
    for page in visits.pages:
        page.context.close()
    assert visits.errors == [], "the page's script or its security policy complained"
    assert visits.elsewhere == [], "the page asked another site for something"


@pytest.fixture
def way_out(visit: Visits) -> Iterator[Visits]:
    """Where leaving for another site is what is wanted."""
    yield visit
    assert all(url.startswith("https://www.bbc.co.uk/") for url in visit.elsewhere)
    visit.elsewhere.clear()
