"""Exported trainings in a Web Worker, and in node: the bits of `fit`, after thousands of epochs."""

import hashlib
import json
import shutil
import subprocess

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import adjoint as ad
from in_chromium import CHROMIUM, in_chromium
from reproduced import SEED, article, digest_of_fit, digits

pytestmark = pytest.mark.full
LONG = [(article, 5000), (digits, 20)]
WORKER = """
import { load } from "./net.mjs";
onmessage = async ({ data }) => {
  const training = await load(data.rows, { seed: data.seed });
  const losses = training.run(data.epochs);
  const weights = Object.values(training.parameters()).flatMap((array) => Array.from(array));
  postMessage({ losses, weights });
};
"""
PAGE = "<!doctype html><title>a worker</title><script>globalThis.adjoint = {};</script>"
BODY = """
const given = await (await fetch("/given.json")).json();
const worker = new Worker("/worker.mjs", { type: "module" });
return new Promise((done, fail) => {
  worker.onmessage = ({ data }) => done(data);
  worker.onerror = (event) => fail(new Error(event.message));
  worker.postMessage(given);
});
"""
NODE = """
import fs from "node:fs";
import { load } from "./net.mjs";
const { rows, seed, epochs } = JSON.parse(fs.readFileSync("given.json"));
const training = await load(rows, { seed });
const losses = training.run(epochs);
const weights = Object.values(training.parameters()).flatMap((array) => Array.from(array));
process.stdout.write(JSON.stringify({ losses, weights }));
"""


def exported(make, epochs, folder):
    """Export a training; return the files that it consists of, and what it is given."""
    network, (X, y), options = make()
    made = ad.TrainingTask(network(), (X, y), seed=SEED, reproducible=True, **options)
    ad.export(made, folder / "net.wasm")
    given = {"rows": [X.ravel().tolist(), y.tolist()], "seed": SEED, "epochs": epochs}
    (folder / "given.json").write_text(json.dumps(given))
    return {name: (folder / name).read_bytes() for name in ("net.wasm", "net.mjs", "given.json")}


def check(told, make, epochs):
    """Compare what a training told with `fit`."""
    expected, losses, _ = digest_of_fit(make, epochs)
    assert told["losses"] == losses
    dtype = next(make()[0]().parameters()).dtype
    assert hashlib.sha256(np.array(told["weights"], dtype).tobytes()).hexdigest() == expected


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.parametrize(("make", "epochs"), LONG)
def test_a_worker_of_a_browser_has_the_bits_of_fit(make, epochs, tmp_path):
    files = exported(make, epochs, tmp_path) | {"worker.mjs": WORKER.encode()}
    (tmp_path / "browser").mkdir()
    told = in_chromium(PAGE, BODY, tmp_path / "browser", seconds=300, files=files)
    check(told, make, epochs)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize(("make", "epochs"), LONG)
def test_node_has_the_bits_of_fit(make, epochs, tmp_path):
    exported(make, epochs, tmp_path)
    (tmp_path / "run.mjs").write_text(NODE)
    done = subprocess.run(["node", "run.mjs"], cwd=tmp_path, capture_output=True, check=True)
    check(json.loads(done.stdout), make, epochs)
