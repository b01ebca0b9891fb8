"""A derivation's script: it needs NumPy alone, and asserts every number that it prints."""

import contextlib
import io
import re
import subprocess
import sys
import tempfile

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from explained import Scaled, cards, layers, losses, random_program, square

# Run a file with everything hidden that is neither Python's own nor NumPy.
ALONE = """
import runpy, sys
class Hide:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in ("adjoint", "scipy", "llvmlite", "sklearn", "matplotlib"):
            raise ImportError(name)
sys.meta_path.insert(0, Hide())
runpy.run_path(sys.argv[1])
"""


def run(script):
    """Run a script, as a file, in this process; return what it prints."""
    with (
        tempfile.NamedTemporaryFile("w", suffix=".py", encoding="utf-8") as file,
        np.errstate(),
        contextlib.redirect_stdout(io.StringIO()) as printed,
    ):
        file.write(script)
        file.flush()
        exec(compile(script, file.name, "exec"), {"__file__": file.name})
    return printed.getvalue()


def fails(script):
    try:
        run(script)
    except Exception:  # an assertion, or what NumPy says of a wrong shape or dtype
        return True
    return False


def run_alone(script, tmp_path, *flags):
    path = tmp_path / "derivation.py"
    path.write_text(script, encoding="utf-8")
    command = [sys.executable, *flags, "-c", ALONE, str(path)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


def printed_digits(script):
    """Return the places of all digits of printed numbers, shapes and checksums."""
    start = script.index("# --- given")
    texts = re.finditer(
        r'array\("""(.*?)\)\n|^(?:assert |holds\()numbers\(\w+\) == "(.*?)"', script, re.S | re.M
    )
    spans = [match.span(match.lastindex) for match in texts if match.start() > start]
    return [n for begin, end in spans for n in range(begin, end) if script[n].isdigit()]


def digits(script):
    """Return the places of all digits, of comments and names too."""
    return [place for place, character in enumerate(script) if character.isdigit()]


def with_another_digit(script, rng, places=digits):
    place = int(rng.choice(places(script)))
    digit = str((int(script[place]) + int(rng.integers(1, 10))) % 10)
    return script[:place] + digit + script[place + 1 :]


def network(entry=None):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 2)), rng.integers(0, 2, 20)
    return ad.explain(nn.MLP(2, 4, 4, 2, rng=0), X, y, loss="cross_entropy", entry=entry)


def test_the_script_of_the_article_s_network_needs_numpy_alone(tmp_path):
    done = run_alone(network("layers[0].weight[1, 0]").script(), tmp_path)
    assert done.returncode == 0, done.stderr
    *_, last_gradient, verdict = done.stdout.splitlines()
    assert last_gradient.startswith("the gradient by b3: [")
    assert verdict == "all 39 equalities hold"


@pytest.mark.parametrize("seed", range(2))
def test_a_changed_digit_fails_in_a_process_of_its_own(seed, tmp_path):
    script = with_another_digit(network().script(), np.random.default_rng(seed))
    assert run_alone(script, tmp_path).returncode != 0


def test_a_script_refuses_to_run_without_assertions(tmp_path):
    done = run_alone(ad.explain(np.square, 3.0).script(), tmp_path, "-O")
    assert done.returncode != 0
    assert "run without -O" in done.stderr


def test_each_step_is_a_statement_and_an_assertion():
    derivation = ad.explain(lambda x, w: x * w + x**3, 2.0, 4.0)
    script = derivation.script()
    assert 'value = x * w + x**3\nholds(numbers(value) == "16", "step 1: value")' in script
    assert run(script) == "the gradient by x: 16\nall 4 equalities hold\n"


def test_a_script_counts_as_many_equalities_as_the_derivation(full):
    for derivation in [network("W1[1, 0]"), *list(everything(full))[:: 1 if full else 8]]:
        counted = run(derivation.script()).splitlines()[-1]
        assert counted == f"all {derivation.equalities} equalities hold"


def test_a_script_s_own_names_give_way_to_those_of_the_program():
    def f(numbers, holds, held, total, engine_value, hashlib, path_1):
        agree = numbers * holds * held + total
        array = np.sqrt(agree * engine_value + hashlib)
        checksum = np.sqrt(array - path_1 * total / 100)
        SUMMARY = np.exp(checksum / 100)
        nested = np.sin(SUMMARY)
        return np.sum(nested * nested * np.ones(40))

    for wrt in (0, (3, 6)):
        entry = "total" if wrt else "numbers"
        script = ad.explain(f, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, wrt=wrt, entry=entry).script()
        assert "equalities hold" in run(script)


def small_script():
    def squared_sum(x, w):
        return np.sum(x * w) ** 2

    return ad.explain(squared_sum, np.arange(30.0) / 7, 0.3, entry="x[2]").script()


def test_every_digit_of_a_file_counts():
    script = small_script()
    run(script)
    for place in digits(script):
        digit = "1" if script[place] != "1" else "2"
        assert fails(script[:place] + digit + script[place + 1 :])


def test_every_printed_digit_is_compared_with_the_number_itself():
    # Without a file there is no text to compare: only the assertions of the steps are left.
    script = small_script()
    assert printed_digits(script)
    for place in printed_digits(script):
        digit = "1" if script[place] != "1" else "2"
        # A script switches NumPy's warnings off for its own process; this one goes on.
        with np.errstate(), pytest.raises((AssertionError, TypeError, ValueError)):
            exec(script[:place] + digit + script[place + 1 :], {})


def test_the_same_derivation_gives_the_same_script():
    assert network().script() == network().script()


def everything(full):
    """Yield derivations of cards, random programs, layers and losses."""
    for _, function, args in cards()[:: 1 if full else 9]:
        yield ad.explain(function, *args, wrt=tuple(range(len(args))))
    for seed in range(500 if full else 20):
        function, args = random_program(seed)
        yield ad.explain(function, *args, wrt=(0, 1, 2))
    for _, model, x in layers():
        yield ad.explain(Scaled(model), x, loss=square)
    for name, x, y in losses():
        yield ad.explain(Scaled(nn.Tanh()), x, y, loss=name)


def test_scripts_run_and_fail_when_a_digit_is_changed(full):
    rng = np.random.default_rng(0)
    for derivation in list(everything(full))[:: 1 if full else 2]:
        script = derivation.script()
        run(script)
        for places in (digits, printed_digits):
            changed = with_another_digit(script, rng, places)
            assert fails(changed), changed
