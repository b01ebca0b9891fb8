"""The playground in JupyterLab: two widgets, the picture in the saved notebook, a new kernel."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

pytestmark = pytest.mark.full
CELLS = [
    "import numpy as np, adjoint as ad\nrng = np.random.default_rng(0)",
    "images, labels = rng.standard_normal((40, 1, 6, 6)), np.arange(40) % 2\n"
    "layers = [ad.nn.Conv2d(1, 2, 3, rng=0), ad.nn.Flatten(), ad.nn.Linear(32, 2, rng=1)]\n"
    "first = ad.play(ad.nn.Sequential(layers), images, labels)",
    "T = rng.standard_normal((60, 7)); t = T.sum(axis=1, keepdims=True)\n"
    "second = ad.play(ad.nn.MLP(7, 4, 1, rng=0), T, t, loss='mse_loss')",
]


@pytest.fixture
def lab(tmp_path):
    """Start JupyterLab in a folder with a notebook; return where it is."""
    for name in ("jupyterlab", "anywidget", "ipykernel"):
        pytest.importorskip(name)
    cells = [
        {"cell_type": "code", "id": f"c{n}", "source": text, "metadata": {}, "outputs": []}
        | {"execution_count": None}
        for n, text in enumerate(CELLS)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}}
    (tmp_path / "play.ipynb").write_text(
        json.dumps(notebook | {"nbformat": 4, "nbformat_minor": 5})
    )
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
    command += [f"--ServerApp.port={port}", f"--IdentityProvider.token={token}"]
    places = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    with open(tmp_path / "log", "wb") as log:
        running = subprocess.Popen(
            command, cwd=tmp_path, env=os.environ | places, stdout=log, stderr=log
        )
    try:
        _await(f"http://127.0.0.1:{port}/api?token={token}", running)
        yield f"http://127.0.0.1:{port}/lab/tree/play.ipynb?token={token}&reset"
    finally:
        running.terminate()
        running.wait(30)


def _await(url, running):
    for _ in range(300):
        assert running.poll() is None
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise AssertionError("JupyterLab did not answer in 60 s")


def choose(page, menu, item):
    page.locator(".lm-MenuBar").first.get_by_text(menu, exact=True).click()
    page.locator(".lm-Menu .lm-Menu-itemLabel").get_by_text(item, exact=True).click()


def wait(page, condition):
    for _ in range(600):
        if condition():
            return
        page.wait_for_timeout(100)
    raise AssertionError("not in 60 s")


def frames(page):
    """Return the pages of the widgets that are there and ready."""
    found = [handle.content_frame() for handle in page.query_selector_all("iframe")]
    ready = "document.body.dataset.ready === 'yes'"
    return [frame for frame in found if frame and frame.evaluate(ready)]


def test_two_models_in_one_notebook(chromium, lab, tmp_path):
    page = chromium.new_page(viewport={"width": 1300, "height": 3600})
    page.set_default_timeout(30_000)
    page.goto(lab)
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
    page.wait_for_selector("[data-status='idle'], .jp-NotebookPanel-toolbar")
    choose(page, "Run", "Run All Cells")
    wait(page, lambda: len(frames(page)) == 2)
    for frame in frames(page):
        frame.click("#step")
        wait(page, lambda frame=frame: frame.evaluate("playground.step") == 1)
        assert frame.inner_text("#notice") == ""

    def pictures():
        page.keyboard.press("Control+s")
        page.wait_for_timeout(500)
        saved = json.loads((tmp_path / "play.ipynb").read_text())
        outputs = [output for cell in saved["cells"] for output in cell["outputs"]]
        texts = ["".join(output.get("data", {}).get("text/html", "")) for output in outputs]
        return [text for text in texts if "after step 1," in text and "data:image/jpeg" in text]

    wait(page, lambda: len(pictures()) == 2)
    choose(page, "Kernel", "Restart Kernel…")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    gone = "playground.notice.includes('Run the cell again')"
    wait(page, lambda: [frame.evaluate(gone) for frame in frames(page)] == [True, True])
    choose(page, "Run", "Run All Cells")
    fresh = "playground.connected && playground.step === 0"
    wait(page, lambda: [frame.evaluate(fresh) for frame in frames(page)] == [True, True])
    page.close()
