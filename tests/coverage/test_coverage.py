"""The count of NumPy's functions is complete, honest and as published."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from adjoint.coverage import (
    EXAMPLES,
    EXCLUDED,
    Entry,
    as_markdown,
    as_text,
    count,
    failure,
    minor_version,
    public_functions,
)

PAGE = Path(__file__).parents[2] / "docs/reference/coverage.md"


@pytest.fixture(scope="module")
def found():
    return count(public_functions(), EXCLUDED, EXAMPLES)


def test_every_function_of_numpy_has_an_example_or_a_reason(found):
    assert [entry.title for entry in found.unknown] == []


def test_no_function_is_both_excluded_and_exemplified():
    assert not EXCLUDED.keys() & EXAMPLES.keys()


def test_what_has_a_derivative_differentiates(found):
    pytest.importorskip("scipy")  # np.i0 has its derivative from there
    assert found.enough, as_text(found)
    # Only what NumPy does not hand over to us: np.full(shape, tensor) is refused when it converts.
    assert [entry.title for entry in found.failing] == ["np.full"]


def test_a_new_function_of_numpy_makes_the_count_fail_by_name():
    def brand_new(x):
        return x

    result = count([Entry(("brand_new",), brand_new)], EXCLUDED, EXAMPLES)
    assert not result.enough
    assert "np.brand_new: neither excluded nor exemplified" in as_text(result)


def test_a_function_counts_only_if_its_result_has_a_graph_and_numpys_values():
    points = (np.array([0.5, 1.5]),)
    assert failure(np.sin, (lambda f, x: f(x), points)) is None
    cut = failure(np.sin, (lambda f, x: f(x if isinstance(x, np.ndarray) else x.detach()), points))
    assert cut == "AssertionError: the result has no graph"
    other = failure(np.sin, (lambda f, x: f(x) if isinstance(x, np.ndarray) else np.cos(x), points))
    assert other.startswith("AssertionError")

    def doubled(f, x):
        # The right values; the derivative of one term too many.
        return f(x) if isinstance(x, np.ndarray) else f(x) + x - x.detach()

    assert failure(np.sin, (doubled, points)).startswith("GradientMismatchError")


def test_aliases_count_once():
    titles = [entry.names for entry in public_functions()]
    assert ("abs", "absolute") in titles


def test_the_page_is_up_to_date(found):
    published = PAGE.read_text(encoding="utf-8")
    if f"NumPy {minor_version()} " not in published:
        pytest.skip("the page is of another version of NumPy")
    assert published == as_markdown(found), (
        "run: python -m adjoint.coverage --markdown > docs/reference/coverage.md"
    )


def test_the_command_prints_the_count():
    run = subprocess.run(
        [sys.executable, "-m", "adjoint.coverage"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "have none." in run.stdout
