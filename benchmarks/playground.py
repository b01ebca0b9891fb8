"""The playground's pace: a frame, a derivation, a structural change, steps behind the picture.

``python -m benchmarks.playground`` measures three sizes of network, in this process, and in the
distribution's Chromium if Playwright is installed. Each number is the median of several, and the
least, in milliseconds; steps a second are those of a second at full speed, frames included.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import wait
from contextlib import suppress
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any

from adjoint.playground import launch, requests
from adjoint.playground.ahead import Ahead
from adjoint.playground.guard import Guard
from adjoint.playground.server import Server
from adjoint.playground.session import Brought, Session
from adjoint.playground.settings import read

SIZES = {
    "2-4-4-2": {"layers": [{"units": 4, "activation": "tanh"}] * 2},
    "2-16-16-16-5": {
        "data": "wheel",
        "classes": 5,
        "layers": [{"units": 16, "activation": "relu"}] * 3,
    },
    "2-32-32-32-32-32-32-2": {"layers": [{"units": 32, "activation": "relu"}] * 6},
}
_TIMES = 15


def timed(work: Callable[[], Any], times: int = _TIMES) -> list[float]:
    found = []
    for _ in range(times):
        started = perf_counter()
        work()
        found.append(1e3 * (perf_counter() - started))
    return found


def told(times: list[float]) -> str:
    return f"{median(times):7.1f} (least {min(times):.1f})"


def ask(session: Session, do: str, **given: Any) -> bytes:
    return requests.answer(session, json.dumps({"id": 1, "do": do, **given}))


def in_process(name: str, given: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:  # no code is there from before
        os.environ["ADJOINT_CACHE"] = folder
        session = Session(Brought(read(given)))
        first = timed(lambda: ask(session, "take", until=1, milliseconds=0), 1)
    ahead = timed(first_step_after_half_a_second(given), 1)
    ask(session, "take", until=50, milliseconds=100)
    changed = [{**given, "layers": given["layers"][:n]} for n in range(len(given["layers"]))]
    structural = [
        timed(lambda s=s: ask(session, "begin", settings=s), 1)[0] for s in [*changed, given]
    ]
    ask(session, "take", until=50, milliseconds=100)
    frame = ask(session, "take", until=0)
    print(f"{name}: frame of {len(frame) / 1000:.1f} kB")
    print(f"  first step, native code made    {told(first)} ms")
    print(f"  first step, made ahead          {told(ahead)} ms")
    print(f"  frame without a step            {told(timed(lambda: session.frame()))} ms")
    print(f"  derivation and graph            {told(timed(lambda: ask(session, 'derive')))} ms")
    check = timed(lambda: ask(session, "check", name="layers[0].weight", index=0))
    print(f"  check of one weight             {told(check)} ms")
    print(f"  structural change, to its frame {told(structural)} ms")
    start, ended = session.steps.taken, perf_counter() + 1
    frames = 0
    while perf_counter() < ended:
        ask(session, "take", until=10**9, milliseconds=22)
        frames += 1
    steps = session.steps.taken - start
    print(f"  at full speed                   {steps:,} steps a second, {frames} frames")


def first_step_after_half_a_second(given: dict[str, Any]) -> Callable[[], Any]:
    """Return the first step of a network whose code was made while its reader looked at it."""
    with TemporaryDirectory() as folder:
        os.environ["ADJOINT_CACHE"] = folder
        ahead = Ahead()
        session = Session(Brought(), ahead)
        ask(session, "begin", settings=given)
        ask(session, "derive")
        sleep(0.5)
        wait([session._code])
        ahead.close()
    return lambda: ask(session, "take", until=1, milliseconds=0)


def hurry() -> None:
    """Give the browser's processes the niceness of this one: Chromium resets that of some."""
    asked, processes = [os.getpid()], []
    while asked:
        found = subprocess.run(["pgrep", "-P", str(asked.pop())], capture_output=True, text=True)
        asked += map(int, found.stdout.split())
        processes += map(int, found.stdout.split())
    for process in processes:
        with suppress(OSError):
            for thread in os.listdir(f"/proc/{process}/task"):
                os.setpriority(os.PRIO_PROCESS, int(thread), os.getpriority(os.PRIO_PROCESS, 0))


def in_browser() -> None:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        print("Playwright is not installed: nothing was measured in a browser")
        return
    import uvicorn

    with launch.bound(0) as listening, sync_playwright() as playwright:
        guard = Guard(listening.getsockname()[1])
        server = Server(guard, Brought())
        running = uvicorn.Server(launch.configuration(uvicorn, server))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
        thread.start()
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(guard.address)
        page.wait_for_selector("body[data-ready]")
        for name, given in SIZES.items():
            hurry()
            measured = page.evaluate(_IN_PAGE, {**read({}).as_json(), **given})
            print(f"{name} in the browser: {measured}")
        browser.close()
        running.should_exit = True
        thread.join(10)
        server.close()


_IN_PAGE = """async (settings) => {
  const median = (times) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)].toFixed(1);
  const picture = () => new Promise(requestAnimationFrame);
  let began = performance.now();
  await playground.change(settings);
  await picture();
  const change = performance.now() - began;
  await playground.derive();
  await new Promise((done) => setTimeout(done, 500));
  began = performance.now();
  await playground.goTo(1);
  await picture();
  const first = performance.now() - began;
  await playground.goTo(2);
  await playground.derive();
  const pictures = [], clicks = [], steps = [];
  for (let i = 0; i < 15; i++) {
    playground.playing = true;  // without the derivation, which is for a training at rest
    let started = performance.now();
    const given = { until: playground.step, milliseconds: 0 };
    playground.received(await playground.ask("take", given));
    await picture();
    pictures.push(performance.now() - started);
    playground.playing = false;
    await playground.derive();
    started = performance.now();
    playground.choose("layers[0].weight", i % 2);
    await picture();
    clicks.push(performance.now() - started);
    started = performance.now();
    await playground.goTo(playground.step + 1);
    await playground.derive();
    await picture();
    steps.push(performance.now() - started);
  }
  const rates = [];
  for (const speed of [10, 0]) {
    playground.speed = speed;
    const [frames, step] = [playground.frames, playground.step];
    const started = performance.now();
    playground.toggle();
    await new Promise((done) => setTimeout(done, 2500));
    playground.stop();
    const seconds = (performance.now() - started) / 1000;
    rates.push(`${((playground.frames - frames) / seconds).toFixed(0)} frames a second`
      + `, ${((playground.step - step) / seconds).toFixed(0)} steps, at speed ${speed || "full"}`);
    await playground.idle();
  }
  return `structural change to picture ${change.toFixed(1)} ms, `
    + `first step half a second later ${first.toFixed(1)} ms, `
    + `request to picture ${median(pictures)} ms, click to equation ${median(clicks)} ms, `
    + `step to derivation ${median(steps)} ms; ` + rates.join("; ");
}"""


if __name__ == "__main__":
    for each, settings in SIZES.items():
        in_process(each, settings)
    in_browser()
