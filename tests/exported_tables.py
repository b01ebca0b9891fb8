"""Exported models of tables, called in C and in node."""

import ctypes
import json
import subprocess

C_FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-ffp-contract=off"]
KINDS = {"number": ctypes.c_double, "category": ctypes.c_char_p, "date": ctypes.c_char_p}


def c_model(out, kinds, classes, compiler="cc"):
    """Return a function from texts to what a model of classes says of them.

    That is the column that it refuses, or 0; its status; the probabilities; and the class.
    """
    name = out.stem
    command = [compiler, *C_FLAGS, "-shared", "-fPIC", "-O0", out.name, "-o", f"{compiler}.so"]
    subprocess.run(command, cwd=out.parent, check=True)
    found = ctypes.CDLL(str(out.parent / f"{compiler}.so"))

    class Row(ctypes.Structure):
        _fields_ = [(f"c{n}", KINDS[kind]) for n, kind in enumerate(kinds)]

    read, run, predict = (getattr(found, name + end) for end in ("_read", "", "_predict"))
    labels = (ctypes.c_char_p * classes).in_dll(found, f"{name}_labels")

    def predicted(texts):
        row, y = Row(), (ctypes.c_double * classes)()
        given = [None if text is None else text.encode() for text in texts]
        wrong = read((ctypes.c_char_p * len(given))(*given), ctypes.byref(row))
        status, best = run(ctypes.byref(row), y), predict(ctypes.byref(row))
        return wrong, status, list(y), None if best < 0 else labels[best].decode()

    return predicted


def node_predictions(out, rows):
    """Return what a module of JavaScript predicts of rows, and its labels."""
    script = f"""
import {{ load, labels }} from {json.dumps(out.with_suffix(".mjs").as_uri())};
import {{ readFileSync }} from "node:fs";
const model = await load();
const rows = JSON.parse(readFileSync(0, "utf-8"));
const told = (x) => ({{ ...x, probabilities: Object.entries(x.probabilities) }});
process.stdout.write(JSON.stringify([model.predictAll(rows).map(told), labels]));
"""
    command = ["node", "--input-type=module", "-e", script]
    done = subprocess.run(
        command, input=json.dumps(rows), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)
