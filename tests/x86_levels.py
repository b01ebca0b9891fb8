"""The levels of x86-64, narrow registers and wide ones, for code that runs on this computer."""

import functools
import platform
from contextlib import contextmanager

import pytest

from adjoint.compiler.native import cache, function, training_code
from adjoint.compiler.native.machine import Machine, this_machine
from adjoint.compiler.native.target import Target

# What each level's registers are like, and what has to be among the processor's features.
LEVELS = {
    "x86-64-v4": (Target(64, 32, has_permutes=True, keeps_registers=True), "avx512dq"),
    "x86-64-v3": (Target(32, 16, keeps_registers=True), "avx2"),
    "x86-64-v2": (Target(16, 16, keeps_registers=True), "sse4.2"),
}


@functools.cache
def machine_of(level):
    """Return the machine of a level, or skip the test where this computer is below it."""
    from llvmlite import binding

    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("the levels are those of x86-64")
    here = this_machine()  # it initialises LLVM
    target, feature = LEVELS[level]
    if not binding.get_host_cpu_features().get(feature):
        pytest.skip(f"this processor has no {feature}")
    generator = binding.Target.from_triple(here.generator.triple).create_target_machine(
        cpu=level, features="", opt=1, reloc="pic", codemodel="default", jit=True
    )
    return Machine(generator, level, "", target)


@contextmanager
def compiling_for(machine):
    """Let all that is compiled inside the ``with`` block be compiled anew, and for a machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADJOINT_CACHE", "")
        patch.setattr(cache, "_memory", type(cache._memory)())
        for codes in ("_codes", "_known", "_starts"):
            patch.setattr(training_code, codes, {})
        for module in (training_code, function):
            patch.setattr(module, "this_machine", lambda: machine)
        yield
