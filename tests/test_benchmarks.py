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
