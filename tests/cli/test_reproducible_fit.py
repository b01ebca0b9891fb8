"""``adjoint fit --reproducible``: one digest, printed and kept, and what it is not for."""

import json

import numpy as np
import pytest

pytest.importorskip("llvmlite")
pytest.importorskip("click")
pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")
pytest.importorskip("safetensors")
pytest.importorskip("pyarrow")

from pyarrow import csv, parquet

from adjoint.cli.main import main

SETTINGS = ["--target", "y", "--epochs", "3", "--ensemble", "1", "--hidden", "8", "--reproducible"]


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        f"{a:.3f},{k},{10 * a + b:.3f}"
        for a, b, k in zip(*rng.normal(size=(2, 90)), "xyz" * 30, strict=True)
    ]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["a,kind,y", *rows, ""]))
    return path


@pytest.mark.full
def test_two_runs_print_one_digest_which_the_model_keeps(table, tmp_path, capsys):
    found = set()
    for name in ("one", "two"):
        assert main(["fit", str(table), *SETTINGS, "--out", str(tmp_path / name)]) == 0
        (line,) = [x for x in capsys.readouterr().out.splitlines() if "sha256" in x]
        found.add(line.split()[-1])
    (digest,) = found
    assert len(digest) == 64
    kept = [p.read_text() for p in (tmp_path / "one").glob("*.json")]
    assert any(json.loads(text).get("record", {}).get("sha256") == digest for text in kept)


def test_a_table_that_is_read_window_by_window_is_refused(table, tmp_path, capsys):
    large = tmp_path / "table.parquet"
    parquet.write_table(csv.read_csv(table), large)
    given = ["fit", str(large), *SETTINGS, "--stream", "--out", str(tmp_path / "model")]
    assert main(given) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--no-stream" in line
    assert not (tmp_path / "model").exists()
