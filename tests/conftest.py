"""What all tests share: none of them touches the user's own cache of native code."""

import os

import pytest


@pytest.fixture(autouse=True, scope="session")
def private_cache(tmp_path_factory):
    os.environ["ADJOINT_CACHE"] = str(tmp_path_factory.mktemp("cache") / "adjoint")
