"""Forked children: what other threads were about is not waited for, and leaves nothing behind."""

import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

START = """
import os, signal, threading, warnings
import numpy as np
import adjoint as ad
warnings.simplefilter("ignore", DeprecationWarning)  # Python's of forks beside threads

def in_child(function):
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # a child that waits for ever is killed
        try:
            function()
        finally:
            os._exit(0 if not __import__("sys").exc_info()[0] else 1)
    return os.waitpid(child, 0)[1]

def beside(function):
    entered, go_on = threading.Event(), threading.Event()
    def wait():
        entered.set()
        assert go_on.wait(60)
    thread = threading.Thread(target=function, args=(wait,))
    thread.start()
    assert entered.wait(60)
    return thread, go_on
"""


def run(program):
    found = subprocess.run(
        [sys.executable, "-c", START + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "ADJOINT_CACHE": ""},
    )
    assert (found.returncode, found.stderr) == (0, "")
    return found.stdout


def test_a_child_compiles_though_another_thread_was_compiling():
    pytest.importorskip("llvmlite")
    program = """
        from adjoint.compiler.native.cache import kept
        from adjoint.compiler.native.machine import this_machine
        def text(name, size):
            body = "".join(f"  %v{n + 1} = mul i64 %v{n}, %v0\\n" for n in range(size))
            return f"define i64 @{name}(i64 %v0) {{\\n{body}  ret i64 %v{size}\\n}}\\n"
        stop = threading.Event()
        def compile_on(wait):
            wait()
            number = 0
            while not stop.is_set():
                each = text(f"f{number}", 2000)
                kept(each, lambda: this_machine().assemble(each), bool)
                number += 1
        thread, go_on = beside(compile_on)
        go_on.set()
        def child():
            f = ad.compile(lambda x: ad.sum(ad.exp(x)))
            assert f(np.zeros(3)) == 3 and f.latest.tier == "native"
        print([in_child(child) for _ in range(4)])
        stop.set()
        thread.join()
    """
    assert run(program) == "[0, 0, 0, 0]\n"


def test_a_child_sees_no_tensor_as_another_thread_traced_it():
    program = """
        w = ad.tensor([1.0, 2.0])
        def traced(x, wait=None):
            if threading.current_thread() is not threading.main_thread():
                waiting[0]()
            return x * w
        waiting = [None]
        f = ad.compile(traced)
        def trace_on(wait):
            waiting[0] = wait
            f(np.ones(2))
        thread, go_on = beside(trace_on)
        assert isinstance(w, ad.graph.Symbol)
        def child():
            assert type(w) is ad.Tensor and w.tolist() == [1.0, 2.0]
            assert f(np.ones(2)).tolist() == [1.0, 2.0]
        print(in_child(child))
        go_on.set()
        thread.join()
        assert type(w) is ad.Tensor
        print(f(np.ones(2)).tolist())
    """
    assert run(program) == "0\n[1.0, 2.0]\n"


def test_a_fork_while_a_function_is_traced_goes_on_tracing_in_both():
    program = """
        w = ad.tensor([1.0, 2.0])
        def traced(x):
            main = threading.current_thread()  # a change of it is none of the program's
            if not hasattr(main, "child"):
                main.child = os.fork()
            return x * w
        f = ad.compile(traced)
        try:
            value = f(np.ones(2)).tolist()
        except TypeError as error:  # Python reseeds its random module in a child
            value = [1.0, 2.0] if "random" in str(error) else None
        child = threading.current_thread().child
        if not child:
            os._exit(0 if value == [1.0, 2.0] and type(w) is ad.Tensor else 1)
        print(value, os.waitpid(child, 0)[1])
    """
    assert run(program) == "[1.0, 2.0] 0\n"


@pytest.mark.parametrize("lock", ["cache._lock", "training_code._compiling", "team._lock"])
def test_a_child_waits_for_no_lock_of_another_thread(lock):
    pytest.importorskip("llvmlite")
    program = f"""
        from adjoint.compiler.native import cache, team, training_code
        def hold(wait):
            with {lock}:
                wait()
        thread, go_on = beside(hold)
        def child():
            model = ad.nn.MLP(2, 3, 2, rng=0)
            history = ad.fit(model, ad.datasets.make_moons(20, seed=0), loss="cross_entropy",
                             epochs=2, batch_size=10, seed=0, compile=True,
                             optimizer=lambda p: ad.optim.SGD(p, lr=0.1))
            assert "native" in history.report(), history.report()
            with team.alone():
                pass
        print(in_child(child))
        go_on.set()
        thread.join()
    """
    assert run(program) == "0\n"
