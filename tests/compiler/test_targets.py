"""Code for other processors than the one at hand, and what its text depends on."""

import ctypes
import re

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from adjoint.graph import trace

import adjoint as ad
from adjoint.compiler.native import cache, team
from adjoint.compiler.native import function as native_function
from adjoint.compiler.native.arrays.array_code import ArrayCode, CodeModule
from adjoint.compiler.native.arrays.expansion import expand
from adjoint.compiler.native.epoch_record import ahead_words
from adjoint.compiler.native.function_code import write_function
from adjoint.compiler.native.lanes import declarations
from adjoint.compiler.native.machine import (
    ATTRIBUTES,
    Library,
    machine_elsewhere,
    normalised,
    this_machine,
)
from adjoint.compiler.native.shuffle import write_shuffle
from adjoint.compiler.native.target import ANY, Target
from adjoint.compiler.simplify.simplify import simplify
from adjoint.data import permutation


def text_of(function, *args, target):
    code = write_function(trace(function, *args), target=target, limit=0)
    return "\n".join([declarations(code.names), *code.functions, ATTRIBUTES, ""])


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**63 + 12345, 2**64 - 1])
def test_philox_without_wide_products_gives_the_same_words(seed):
    text = write_shuffle(ANY._replace(has_wide_products=False)) + ATTRIBUTES
    assert "i128" not in text
    library = Library(this_machine().assemble(text), ["shuffle"])
    types = [ctypes.c_void_p, *[ctypes.c_uint64] * 3, ctypes.c_void_p]
    shuffle = library.function("shuffle", None, *types)
    ahead = np.zeros(ahead_words(1000), np.int64)
    for epoch in (0, 1, 2**40):
        order = np.zeros(1008, np.int64)
        shuffle(order.ctypes.data, 1000, seed, epoch, ahead.ctypes.data)
        np.testing.assert_array_equal(order[:1000], permutation(1000, seed=seed, epoch=epoch))


def test_what_does_not_fuse_writes_no_multiply_add():
    x = np.ones((9, 9))
    fused = text_of(lambda x: ad.tanh(x) @ x, x, target=ANY)
    apart = text_of(lambda x: ad.tanh(x) @ x, x, target=ANY._replace(fuses=False))
    assert "fmuladd" in fused
    assert "fmuladd" not in apart


def test_a_target_without_a_team_asks_the_system_for_nothing():
    x = np.ones((512, 512), np.float32)
    graph = expand(simplify(trace(lambda x: x @ x, x)))
    alone, shared = CodeModule(Target(16)), CodeModule(Target(16, futex=202))
    for module in (alone, shared):
        calls = ArrayCode(graph, module).calls
        assert any(call.shared for call in calls) == (module is shared)


@pytest.mark.skipif(not team.can_share(), reason="needs a second core, and Linux")
def test_this_computer_has_a_team():
    assert team.with_partner(ANY).has_team
    assert not ANY.has_team


def test_numbers_wider_than_a_vector_are_taken_one_by_one():
    assert [Target(n).width(8) for n in (4, 8, 16, 64)] == [1, 1, 2, 8]


def test_a_machine_without_vectors_picks_multiplies_and_adds_up(monkeypatch):
    here = this_machine()
    scalar = here._replace(target=Target(4, fuses=False))
    monkeypatch.setattr(native_function, "this_machine", lambda: scalar)
    monkeypatch.setattr(cache, "identity", lambda: ("without vectors",))
    x, rows = np.random.default_rng(0).normal(size=(7, 5)), np.array([[0, 2], [6, -1]])
    graph = trace(lambda x, rows: (x[rows, 1], x @ x.T, ad.sum(x, axis=0)), x, rows)
    for ours, theirs in zip(
        native_function.NativeFunction(graph, limit=0)([x, rows]),
        graph.evaluate([x, rows]),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("thumbv7em-none-eabi", "thumbv7em-unknown-none-eabi"),
        ("riscv32-unknown-none-elf", "riscv32-unknown-none-elf"),
        ("aarch64-linux-gnu", "aarch64-unknown-linux-gnu"),
        ("wasm32-unknown-unknown", "wasm32-unknown-unknown"),
    ],
)
def test_a_triple_is_given_its_vendor(given, expected):
    assert normalised(given) == expected


def test_a_microcontroller_is_called_by_its_own_rules():
    machine = machine_elsewhere("thumbv7em-none-eabi", Target(4, fuses=False))
    text = text_of(lambda x: x * x + 1, np.ones(3, np.float32), target=machine.target)
    # __aeabi_fmul is what ARM's interface calls a product; other systems say __mulsf3.
    symbols = re.findall(rb"__\w+", machine.assemble(text))
    assert {b"__aeabi_fmul", b"__aeabi_fadd"} <= set(symbols)


def test_the_cache_tells_machines_apart():
    wasm = machine_elsewhere("wasm32-unknown-unknown", Target(16))
    others = [
        None,
        machine_elsewhere("riscv32-unknown-none-elf", Target(16)),
        machine_elsewhere("wasm32-unknown-unknown", Target(16), features="+simd128"),
        machine_elsewhere("wasm32-unknown-unknown", Target(16, fuses=False)),
    ]

    def made(name, machine):
        return cache.kept("x", lambda: name, bool, machine)

    assert made(b"wasm", wasm) == b"wasm"
    for number, machine in enumerate(others):
        assert made(b"%d" % number, machine) == b"%d" % number
    assert made(b"again", machine_elsewhere("wasm32-unknown-unknown", Target(16))) == b"wasm"
