"""Random programs give NumPy's numbers in every tier, and are known to find what was wrong once."""

import numpy as np
import pytest

import adjoint as ad
from random_programs.campaign import SORTS, run, trial
from random_programs.comparison import difference
from random_programs.generator import generate
from random_programs.grammar import LINES
from random_programs.program import run_plainly
from random_programs.seeded import FAULTS
from random_programs.shaken import shake, shaken
from random_programs.shrink import shrunk
from random_programs.slopes import PAIRS, SLOPES
from random_programs.tiers import HAS_NATIVE
from sampled import sampled

PROGRAMS = 30
# So many are needed to find every fault.
OF_FAULTS = 100
# Enough to find every fault, and the quickest.
QUICK = ("eager", "written", "portable", "compile")
SPECIAL = {
    np.float64: "nan inf -inf 0 -0. 5e-324 -1e-310 1e-200 1e200 -1e200 1e308 1 -1 .5 -2 710 -710",
    np.float32: "nan inf -inf 0 -0. 1e-45 -1e-40 1e-30 1e30 -1e30 3e38 1 -1 .5 -2 88 -88",
}


@pytest.fixture(scope="module")
def report(full):
    return run(range(40 * PROGRAMS if full else PROGRAMS))


def test_no_tier_gives_other_numbers_than_numpy_nor_refuses_what_it_should_run(report):
    assert not report.failures, str(report)


def test_every_sort_of_program_is_among_them(report):
    assert all(report.programs[sort] >= 5 for sort in SORTS)


@pytest.mark.skipif(not HAS_NATIVE, reason="needs llvmlite")
def test_ordinary_programs_run_natively_and_are_never_in_doubt(report):
    fates = report.runs["ordinary", True]
    assert fates["doubt"] == fates["refused"] == 0
    # The rest sorts, or finds the greatest: see docs/explanation/native.md.
    assert fates["native"] > 0.7 * fates.total()


def test_a_program_in_the_body_of_a_loop_gives_the_same(full):
    for seed in range(300 if full else 8):
        one = trial(seed)
        found = [one.in_tier("scan"), one.in_tier("gradient, scan")]
        assert not [outcome for outcome in found if outcome.wrong], seed


@pytest.mark.skipif(not HAS_NATIVE, reason="needs llvmlite")
@pytest.mark.parametrize("name", sampled(FAULTS, 12))
def test_a_fault_that_is_put_back_is_found(name, monkeypatch):
    trials = [trial(seed) for seed in range(OF_FAULTS)]  # what plain runs give has no fault
    FAULTS[name](monkeypatch)
    assert any(one.value_in(tier).wrong for one in trials for tier in QUICK)


# --- what the programs are made of


@pytest.mark.parametrize("dtype", SPECIAL, ids=["double", "single"])
@pytest.mark.parametrize("slope", [*SLOPES.values(), *PAIRS.values()], ids=lambda s: s.text)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_eager_derivatives_at_special_values_are_those_of_closed_forms(slope, dtype):
    function = eval(slope.text, {"np": np})
    points = np.array(SPECIAL[dtype].split(), dtype)
    count = function.__code__.co_argcount
    every = np.stack([x.ravel() for x in np.meshgrid(*[points] * count)])
    arguments = list(every[:, [bool(slope.fits(*entry)) for entry in every.T]])
    found = ad.grad(lambda *ts: np.sum(function(*ts)))(*arguments)
    rtol = 1e-9 if dtype is np.float64 else 1e-4
    np.testing.assert_allclose(found, slope(*arguments), rtol=rtol, atol=0)


def test_a_program_is_the_same_for_the_same_seed():
    assert str(generate(7)) == str(generate(7))


def test_a_program_that_is_printed_runs_as_it_stands(capsys):
    program = next(p for p in map(generate, range(50)) if "d(" in p.text)
    scope = {"__name__": "pasted"}
    with np.errstate(all="ignore"):
        exec(str(program), scope)
    assert callable(scope["program"])
    assert callable(scope["d"])


def test_every_line_of_the_grammar_is_drawn(full):
    count = 3000 if full else 150
    text = "\n".join(line for seed in range(count) for line in generate(seed).lines)
    groups = ["d(lambda", "np.isfinite(", "+= ", "for row in ", "rng.", "o.k", "c0", " = 5.0"]
    groups += ["np.arctan2(", ".astype(int)", "np.fmin(", "np.sort(", "np.linalg.norm(", "z"]
    assert all(group in text for group in groups)
    assert len(LINES) > 150


# --- how numbers are compared


def arrays(*numbers):
    return np.array(numbers)


def test_rounding_is_forgiven_and_no_more():
    plain, runs = arrays(1.0, 0.1), [arrays(1.0, 0.1 + 1e-16), arrays(1.0, 0.1 - 1e-16)]
    assert difference(arrays(1.0, 0.1 + 5e-16), plain, runs) is None
    assert difference(arrays(1.0, 0.1 + 1e-12), plain, runs) is not None


def test_what_rounding_decides_is_left_out():
    plain, runs = arrays(0.0, 1.0), [arrays(1.0, 1.0), arrays(0.0, 1.0)]
    assert difference(arrays(1.0, 1.0), plain, runs) is None
    assert difference(arrays(1.0, 0.0), plain, runs) is not None


@pytest.mark.parametrize(
    ("found", "plain"),
    [(-0.0, 0.0), (np.nan, 1.0), (1.0, np.nan), (np.inf, -np.inf), (np.inf, 1e308), (0.0, 5e-324)],
)
def test_special_values_and_signs_of_zero_are_compared(found, plain):
    assert difference(arrays(found), arrays(plain), [arrays(plain)]) is not None


def test_shapes_and_dtypes_are_compared():
    one = arrays(1.0)
    assert difference(one.astype(np.float32), one, [one]) is not None
    assert difference(arrays(1.0, 1.0), one, [one]) is not None


def test_exact_results_are_not_shaken():
    x = shaken(arrays(1.0, 2.0, 3.0))
    np.testing.assert_array_equal(x * 2.0 - 1.0, [1.0, 3.0, 5.0])
    assert not np.array_equal(np.exp(x), np.exp([1.0, 2.0, 3.0]))
    assert isinstance(np.sum(x) + 0.5, type(x[0]))


def test_a_shaken_number_is_bound_anew_as_numpys_are():
    x = shaken(arrays(1.0, 2.0))
    s = t = x[0]
    s += 1.0
    assert (float(s), float(t), float(x[0])) == (2.0, 1.0, 1.0)


def test_shaking_reaches_what_underflows():
    assert len({float(shake(np.float64(1e-310))) for _ in range(50)}) > 1


def test_a_failing_program_shrinks_to_what_fails():
    program = next(p for p in map(generate, range(0, 200, 2)) if "np.tanh(" in p.text)
    smallest = shrunk(
        program, lambda p: bool(run_plainly(p).first) and "np.tanh(" in "".join(p.lines)
    )
    assert len(smallest.results) == 1
    assert len(smallest.lines) <= 2
    assert not smallest.captured
