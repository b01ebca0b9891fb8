"""A page that is open in a browser, and waiting for what happens on it."""

import shutil
import threading
import time

from adjoint.playground import launch
from adjoint.playground.guard import Guard
from adjoint.playground.server import Server

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
SMALL = {"rows": 60, "layers": [{"units": 3, "activation": "tanh"}]}


class Opened:
    """A server, and pages of it that must not complain or ask elsewhere."""

    def __init__(self, chromium, brought):
        import uvicorn

        self.chromium, self.complaints, self.contexts = chromium, [], []
        self.listening = launch.bound(0)
        self.guard = Guard(self.listening.getsockname()[1])
        self.server = Server(self.guard, brought)
        self.running = uvicorn.Server(launch.configuration(uvicorn, self.server))
        sockets = {"sockets": [self.listening]}
        self.thread = threading.Thread(target=self.running.run, kwargs=sockets)
        self.thread.start()

    @property
    def session(self):
        return self.server.sessions.latest

    def page(self, fragment="", width=1440, height=900, **options):
        context = self.chromium.new_context(viewport={"width": width, "height": height}, **options)
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)
        page.goto(self.guard.address + fragment)
        page.wait_for_selector("body[data-ready]")
        return page

    def _heard(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _asked(self, request):
        if not request.url.startswith((f"http://{self.guard.hosts[0]}/", "blob:")):
            self.complaints.append(f"asked {request.url}")

    def close(self):
        for context in self.contexts:
            context.close()
        self.running.should_exit = True
        self.thread.join(10)
        self.server.close()
        self.listening.close()


def wait(page, expression):
    """Wait until something holds; Playwright's own way is what the page's policy forbids."""
    end = time.monotonic() + 20
    while not page.evaluate(f"Boolean({expression})"):
        assert time.monotonic() < end, f"not in 20 s: {expression}"
        page.wait_for_timeout(10)


def settle(page):
    """Wait until nothing is under way, and return the step."""
    wait(page, "!playground.busy && !playground.playing")
    wait(page, "playground.isDerived")
    page.wait_for_timeout(50)
    return page.evaluate("playground.step")


def values(page):
    return page.evaluate("Array.from(playground.frame.arrays.values)")
