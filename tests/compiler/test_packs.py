"""Packs: what is computed alike for several results is computed at once, with the same bits."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import adjoint as ad
from adjoint.compiler.native import cache, packs, training_code
from adjoint.compiler.native.kernel import ArrayEntry, ArrayLocation, Kernel
from adjoint.compiler.native.packs import Packs
from sampled import sampled

X, Y = ad.datasets.make_moons(40, noise=0.1, seed=0)
OPTIMIZERS = {
    "momentum": lambda model: ad.optim.SGD(model.parameters(), lr=0.5, momentum=0.9),
    "Adam": lambda model: ad.optim.Adam(model.parameters(), lr=0.01),
    "clipped": lambda model: ad.optim.SGD(model.parameters(), lr=0.5).clip_gradients(norm=0.3),
    "AdamW": lambda model: ad.optim.AdamW(model.parameters(), lr=0.01),
}


def trained(optimizer, dtype):
    """Return the weights of a network after 2,000 native steps."""
    model = ad.nn.MLP(2, 5, 3, rng=0, dtype=dtype)
    history = ad.fit(
        model,
        (X.astype(dtype), Y),
        loss="cross_entropy",
        optimizer=OPTIMIZERS[optimizer](model),
        epochs=500,
        batch_size=10,
        seed=0,
        progress=False,
    )
    assert "tier: native" in history.report()
    return b"".join(parameter.data.tobytes() for parameter in model.parameters())


CASES = [(name, dtype) for dtype in (np.float32, np.float64) for name in OPTIMIZERS]


@pytest.mark.parametrize(("optimizer", "dtype"), sampled(CASES, 3))
def test_weights_have_the_bits_of_numbers_computed_one_by_one(optimizer, dtype, monkeypatch):
    found = trained(optimizer, dtype)
    monkeypatch.setattr(packs, "_DEEPEST", 0)
    monkeypatch.setattr(cache, "identity", lambda: ("no packs",))
    monkeypatch.setattr(training_code, "_known", {})
    monkeypatch.setattr(training_code, "_codes", {})
    assert trained(optimizer, dtype) == found


def packed(results, *, kind="f64", offset=0, width=8):
    """Return the packs of results, functions of a kernel and the number of an entry."""
    kernel = Kernel(rows=3)
    for number, result in enumerate(results):
        kernel.store(ArrayEntry(0, number), result(kernel, number))
    now, new = {0: ArrayLocation("%now", offset)}, {0: ArrayLocation("%new")}
    return Packs(kernel, now, new, width)


def read(kernel, number, kind="f64"):
    return kernel.load(ArrayEntry(0, number), kind)


def total(kernel, number):
    return kernel.total(kernel.row_load(ArrayEntry(1, number), "f64"))


def updated(kernel, number):
    return kernel.apply("subtract", "f64", read(kernel, number), total(kernel, number))


def sizes(packs):
    return [len(pack) for _, pack in packs.stores], len(packs.singles)


def test_a_stretch_is_divided_into_the_widest_packs():
    assert sizes(packed([updated] * 15)) == ([8, 4, 2], 1)


def test_a_pack_ends_where_another_computation_begins():
    def negative(kernel, number):
        return kernel.apply("negative", "f64", total(kernel, number))

    assert sizes(packed([updated] * 5 + [negative] * 3)) == ([4, 2], 2)


def test_numbers_that_do_not_lie_side_by_side_are_not_read_as_a_vector():
    def reversed_(kernel, number):
        return read(kernel, 7 - number)

    assert sizes(packed([read] * 8)) == ([8], 0)
    assert sizes(packed([reversed_] * 8)) == ([], 8)


def test_functions_whose_code_may_depend_on_the_width_are_computed_one_by_one():
    def exponential(kernel, number):
        return kernel.apply("exp", "f64", total(kernel, number))

    assert sizes(packed([exponential] * 8)) == ([], 8)


def test_truth_values_are_no_vectors_in_memory():
    def truth(kernel, number):
        return kernel.apply("isnan", "i1", total(kernel, number))

    def truth_read(kernel, number):
        zero, one = (kernel.constant(x, "f64") for x in (0.0, 1.0))
        return kernel.apply("where", "f64", read(kernel, number, "i1"), one, zero)

    assert sizes(packed([truth] * 8)) == ([], 8)
    assert sizes(packed([truth_read] * 8)) == ([], 8)


def test_what_all_results_need_is_shared_and_their_totals_are_added_up_together():
    def scaled(kernel, number):
        return kernel.apply("multiply", "f64", total(kernel, number), total(kernel, 9))

    found = packed([scaled] * 4)
    ((_, pack),) = found.stores
    assert found.shared == [pack[0].args[1]]
    assert list(found.totals) == [element.args[0] for element in pack]


def test_a_long_chain_of_operations_is_computed_one_by_one():
    def chain(kernel, number):
        element = total(kernel, number)
        for _ in range(200):
            element = kernel.apply("negative", "f64", element)
        return element

    assert sizes(packed([chain] * 4)) == ([], 4)
