"""The benchmarks run; how fast anything is, is not tested."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
NAMES = ["article", "memory", "import"]


def run(*arguments):
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


@pytest.mark.skipif(sys.platform == "win32", reason="the processes are Unix's")
def test_a_quick_run_prints_and_writes_what_it_measured(tmp_path):
    file = tmp_path / "benchmarks.json"
    finished = run("--quick", "--out", str(file), *NAMES)
    assert finished.returncode == 0, finished.stderr
    record = json.loads(file.read_text(encoding="utf-8"))
    assert record["machine"]["versions"]["numpy"]
    assert list(record["benchmarks"]) == NAMES
    for name, table in record["benchmarks"].items():
        assert f"{name}: {table['title']}" in finished.stdout
        for row in table["rows"]:
            assert not row["skipped"], f"{row['name']}: {row['skipped']}"
            assert min(row["values"]) > 0


def test_an_unknown_benchmark_is_refused_by_name():
    finished = run("articles")
    assert finished.returncode == 2
    assert "no benchmark articles" in finished.stderr


def test_what_was_kept_of_other_code_is_measured_again(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(REPOSITORY)
    distributed = pytest.importorskip("benchmarks.distributed.__main__")
    runs, place = [], tmp_path / "digests"

    def run(*asked):
        runs.append(asked)
        return [{"sgd": f"digest {len(runs)}"}], "", None

    monkeypatch.setattr(distributed, "run", run)
    facts = {"steps": 1, "batch_size": 5, "network": "MLP"}
    before = distributed.digests(2, facts, place)
    assert distributed.digests(2, facts, place) == before == {"sgd": "digest 1"}
    monkeypatch.setattr("adjoint.__version__", "0.0")
    assert distributed.digests(2, facts, place) == {"sgd": "digest 2"}
    assert len(place.read_text().splitlines()) == 2


def test_code_is_known_by_its_source(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(REPOSITORY)
    measured_code = pytest.importorskip("benchmarks.measured_code")
    file = tmp_path / "program.py"
    file.write_text("a = 1")
    one = measured_code.code("scikit-learn", files=(file,))
    assert one == measured_code.code("scikit-learn", files=(file,))
    file.write_text("a = 2")
    assert one != measured_code.code("scikit-learn", files=(file,))
    assert "scikit-learn 1." in one
