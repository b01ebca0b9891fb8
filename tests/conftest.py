"""What all tests share: a private cache of native code, and how many cases a sample takes."""

import gc
import os

import numpy as np
import pytest

# Neither has examples. The one ran with an earlier version, and names what stood where then; of the
# files called conftest only one can be imported under this name, and src/ has one too.
collect_ignore = ["old_files/write.py", "conftest.py"]


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="run every case, not a fixed sample")


def pytest_configure(config):
    config.addinivalue_line("markers", "full: one of many alike, which runs under --full alone")
    gc.disable()  # until pytest_collection_finish


def pytest_collection_finish():
    """Keep the collector from what lives until the end, for it is millions of objects."""
    gc.enable()
    gc.freeze()


def pytest_collection_modifyitems(config, items):
    if config.getoption("--full"):
        return
    # They are left out, not skipped: to skip thousands takes seconds.
    config.hook.pytest_deselected(items=[i for i in items if i.get_closest_marker("full")])
    items[:] = [item for item in items if not item.get_closest_marker("full")]


@pytest.fixture(autouse=True, scope="session")
def private_cache(tmp_path_factory):
    os.environ["ADJOINT_CACHE"] = str(tmp_path_factory.mktemp("cache") / "adjoint")


@pytest.fixture(autouse=True)
def numpys_warnings_are_as_before():
    """Fail a test that leaves NumPy's warnings off: later tests would see no error."""
    before = np.geterr()
    yield
    after = np.geterr()
    np.seterr(**before)
    assert after == before


@pytest.fixture(scope="session")
def full(request):
    """Whether every case is asked for: `pytest --full`."""
    return request.config.getoption("--full")
