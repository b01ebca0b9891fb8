"""The examples in docstrings know NumPy as ``np`` and this package as ``ad``."""

import numpy as np
import pytest

import adjoint as ad

# It has no examples itself, and tests/ has a file of this name too.
collect_ignore = ["conftest.py"]


@pytest.fixture(autouse=True)
def names_of_examples(doctest_namespace):
    """Import once what each example would else import in a line of its own."""
    doctest_namespace.update(np=np, ad=ad)
