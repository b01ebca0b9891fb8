"""A short last batch is compiled alone where all else is there, and trains to the same bits."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import adjoint as ad
from adjoint.compiler.native import team, training_code, training_text
from adjoint.compiler.native.machine import this_machine
from adjoint.compiler.native.unlowerable import Unlowerable
from sampled import sampled
from x86_levels import compiling_for

RNG = np.random.default_rng(0)
X = RNG.normal(size=(110, 3))
Y = (X.sum(axis=1) > 0).astype(int)


@pytest.fixture(autouse=True)
def written(monkeypatch):
    """What was compiled; in the beginning nothing is there."""
    found = []

    def noting(name):
        real = getattr(training_text, name)
        monkeypatch.setattr(
            training_text, name, lambda *a, **k: found.append(name) or real(*a, **k)
        )

    noting("write_steps")
    noting("write_tail")
    with compiling_for(this_machine()):
        yield found


def digest(rows, *, sizes=(3, 6, 2), dtype=np.float64, **settings):
    model = ad.nn.MLP(*sizes, rng=0, dtype=dtype)
    given = {"batch_size": 20, "epochs": 4, "compile": True, "loss": "cross_entropy"} | settings
    history = ad.fit(model, (X[:rows].astype(dtype), Y[:rows]), seed=0, progress=False, **given)
    assert history.tier == "native"
    return history.sha256(model)


VALIDATION = (X[:7], Y[:7])
KINDS = {
    "unrolled": {},
    "arrays": {"sizes": (3, 70, 2)},
    "float32": {"dtype": np.float32},
    "arrays, float32": {"sizes": (3, 70, 2), "dtype": np.float32},
    "reproducible": {"reproducible": True},
    "validation": {"validation": VALIDATION, "metrics": ["accuracy"]},
    "arrays, reproducible": {"sizes": (3, 70, 2), "reproducible": True},
    "arrays, validation": {"sizes": (3, 70, 2), "validation": VALIDATION},
    "weights": {"sizes": (3, 70, 2), "class_weight": "balanced"},
}


@pytest.mark.parametrize("what", sampled(KINDS, 7))
def test_other_numbers_of_rows_need_their_short_batch_alone(what, written):
    # Whole batches only, then several that end with a short one, one of them of a single row.
    counts = [100, 107, 100, 109, 81]
    divided = [digest(rows, **KINDS[what]) for rows in counts]
    assert written == ["write_steps", "write_tail", "write_tail", "write_tail"]
    for place in (1, 4):
        with compiling_for(this_machine()):
            assert digest(counts[place], **KINDS[what]) == divided[place]
    assert written[4:] == ["write_steps", "write_steps"]


def test_a_training_with_a_short_batch_serves_others_too(written):
    found = [digest(rows) for rows in (107, 81, 107)]
    assert written == ["write_steps", "write_tail"]
    assert found[0] == found[2]


def test_the_memory_does_not_grow_with_short_batches():
    for rows in (101, 109, 107):
        digest(rows, sizes=(3, 70, 2))
    codes = list(training_code._codes.values())
    assert codes[2].steps.workspace <= codes[1].steps.workspace  # it has fewer rows
    assert len({id(code.library) for code in codes}) == 1


@pytest.mark.full
@pytest.mark.skipif(not team.can_share(), reason="needs a second core, and Linux")
def test_two_threads_share_the_products_of_a_short_batch_too(monkeypatch):
    data = RNG.normal(size=(900, 128)), RNG.integers(2, size=900)

    def digest_of(rows):
        model = ad.nn.MLP(128, 160, 2, rng=0)
        given = {"loss": "cross_entropy", "batch_size": 400, "epochs": 2, "compile": True}
        rows = [array[:rows] for array in data]
        return ad.fit(model, rows, seed=0, progress=False, **given).sha256(model)

    divided = [digest_of(400), digest_of(790)]
    *_, last = training_code._codes.values()
    assert last.steps.has_team
    assert last.rest.has_team
    monkeypatch.setattr(team, "can_share", lambda: False)
    with compiling_for(this_machine()):
        assert [digest_of(400), digest_of(790)] == divided


def test_a_short_batch_that_cannot_be_apart_is_compiled_with_the_rest(written, monkeypatch):
    def refuse(*args, **kwargs):
        raise Unlowerable("not apart")

    monkeypatch.setattr(training_text, "write_tail", refuse)
    digest(100)
    digest(107)
    assert written == ["write_steps", "write_steps"]
