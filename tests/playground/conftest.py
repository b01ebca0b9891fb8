"""A browser, and pages that are opened in it."""

import pytest
from opened_page import CHROMIUM, SMALL, Opened

from adjoint.playground.session import Brought
from adjoint.playground.settings import read

collect_ignore = ["conftest.py"]  # it has no examples, and is no module of its own


@pytest.fixture(scope="module")
def chromium():
    """Return a browser; where Playwright or Chromium is missing there is nothing to test."""
    for name in ("starlette", "uvicorn", "websockets"):
        pytest.importorskip(name)
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("there is no Chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    opened = []

    def open_with(settings=SMALL, brought=None):
        opened.append(Opened(chromium, brought or Brought(read(settings))))
        return opened[-1]

    yield open_with
    for one in opened:
        one.close()
        assert one.complaints == []
