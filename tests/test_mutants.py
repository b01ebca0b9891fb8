"""Which faults are planted, how they are found again, and which tests are run for them."""

import queue
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mutants import equivalent, report
from mutants.lines import LineMap, Test, in_turns
from mutants.mutant import mutants
from mutants.sample import NOUNS, drawn, with_keys
from mutants.tree import Tree, Trees
from mutants.trial import Trial, attempt

ROOT = Path(__file__).parent.parent


def of(text):
    return mutants("file.py", textwrap.dedent(text))


def changes(text):
    return {mutant.after for mutant in of(text)}


# --- faults


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("y = a < b", {"y = (a <= b)"}),
        ("y = a is not b", {"y = (a is b)"}),
        ("y = a in b", {"y = (a not in b)"}),
        ("y = a + b", {"y = (a - b)"}),
        ("y = a ** b", {"y = (a * b)"}),
        ("y = a and b", {"y = (a or b)"}),
        ("y = not a", {"y = (a)"}),
        ("y = -a", {"y = (a)"}),
        ("y = 3", {"y = 4", "y = 2"}),
        ("y = 0", {"y = 1"}),
        ("y = 0.5", {"y = 1.0", "y = 0.0"}),
        ("y = True", {"y = False"}),
        ("y = f(a, b)", {"y = (f(b, a))"}),
        ("y = f(*a, b)", set()),
        ("y = np.maximum(a, b)", set()),
        ("y = a[b:]", {"y = a[b + 1:]"}),
        ("y = a[:-b]", {"y = a[:(b)]"}),
        ("y = a if b else c", {"y = a if (not b) else c"}),
        ("y = [a for a in b if c]", {"y = [a for a in b if (not c)]"}),
        ("f()", {"pass"}),
        ("a.b = c", {"pass"}),
        ("a += b", {"pass"}),
    ],
)
def test_an_operator_makes_its_faults(text, after):
    assert changes(text) == after


def test_a_branch_is_negated_and_a_loop_loses_its_break():
    text = "while a:\n    if b:\n        break\n"
    assert changes(text) == {"while (not a):", "if (not b):", "pass"}


def test_a_function_returns_nothing_or_has_another_default():
    assert changes("def f(a, *, b=False):\n    return a\n") == {
        "def f(a, *, b=True):",
        "return None",
    }


@pytest.mark.parametrize(
    "text",
    [
        '"""A docstring."""',
        'raise ValueError(f"{a + 1} of {2 * b}" + c)',
        "from x import y",
        "y: Literal[1, 2]",
        "def f(a: Literal[1] = a) -> Literal[2]: ...",
        "if TYPE_CHECKING:\n    y = 1",
        "y = zip(*a, strict=True)",
        "def f(*, kinks=(0.0,)): ...",
        "__all__ = a + b",
    ],
)
def test_messages_types_and_guards_are_left_alone(text):
    assert changes(text) == set()


def test_a_fault_changes_its_own_place_only():
    text = 'x = "é"; y = (a  +\n     b)  # why\n'
    (fault,) = of(text)
    assert fault.planted(text) == 'x = "é"; y = ((a - b))  # why\n'


@pytest.mark.full
def test_every_mutant_of_the_package_can_be_compiled():
    for mutant in drawn([], 60, seed=1):
        text = (ROOT / "src" / "adjoint" / mutant.file).read_text(encoding="utf-8")
        assert mutant.planted(text) != text
        compile(mutant.planted(text), mutant.file, "exec")


# --- keys and samples


def test_a_key_outlives_lines_that_are_put_in_front():
    text = "class C:\n    def f(self):\n        return self.a < 1\n"
    keys = [mutant.key for mutant in of(text)]
    assert ("file.py", "C.f", "return self.a < 1", "return (self.a <= 1)") in keys
    assert [mutant.key for mutant in of("import a\n\n\n" + text)] == keys


def test_a_sample_is_a_function_of_its_seed_and_shares_out_among_nouns():
    few = ["nn", "optim"]
    assert drawn(few, 14, seed=3) == drawn(few, 14, seed=3)
    assert drawn(few, 14, seed=3) != drawn(few, 14, seed=4)
    first = drawn([], 14, seed=3)
    parts = {mutant.file.partition("/")[0].removesuffix(".py") for mutant in first}
    assert {"core", "ops", "graphs", "compiler", "optim", "nn"} <= parts
    assert len(set(first)) == 14


def test_a_larger_sample_goes_on_where_a_smaller_one_ends():
    assert drawn([], 20, seed=0)[:10] == drawn([], 10, seed=0)


def test_every_noun_is_there():
    assert all(drawn([noun], 1, seed=0) for noun in NOUNS)


def test_a_module_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="adjoint has no module 'cores'"):
        drawn(["cores"], 1, seed=0)


def test_mutants_are_found_again_by_their_keys():
    wanted = drawn(["graphs.sweep"], 3, seed=0)
    assert set(with_keys([list(mutant.key) for mutant in wanted])) >= set(wanted)


def test_every_mutant_that_is_kept_as_equivalent_has_a_reason():
    assert all(reason.endswith(".") for reason in equivalent.reasons().values())


# --- which tests


def test_files_take_turns_and_the_fastest_test_goes_first():
    tests = {Test(f"{file}{n}", file, n) for file in "ab" for n in (1.0, 2.0, 4.0)}
    chosen, left = in_turns(tests, 7.0)
    assert [test.name for test in chosen] == ["a1.0", "b1.0", "a2.0", "b2.0"]
    assert left == 1.0


TOY = """\
import os

LIMIT = 3


def shared():
    return 1


def double(x):
    return 2 * x


def limited(x):
    return min(x, LIMIT)


CLASSES = {3: None}


def down(n):
    while n > 0:
        n -= 1
    return n


def unwatched(x):
    return x + 1


def unrun(x):
    return x + 2


def end(n):
    if n < 0:
        os._exit(1)
"""
TOY_TESTS = """\
import pytest

from adjoint import toy


@pytest.fixture(scope="module")
def one():
    return toy.shared()


def test_double():
    assert toy.double(2) == 4
    assert toy.limited(9) == 3
    toy.unwatched(1)


def test_down():
    assert toy.down(3) == 0
    toy.end(1)


def test_nothing(one):
    assert one == 1


def test_that_fails():
    assert toy.double(1) == 3
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A project of one module, the map of its lines and a copy of it."""
    pytest.importorskip("coverage")
    root = tmp_path_factory.mktemp("toy")
    (root / "src" / "adjoint").mkdir(parents=True)
    (root / "src" / "adjoint" / "__init__.py").touch()
    (root / "src" / "adjoint" / "toy.py").write_text(TOY)
    shutil.copytree(ROOT / "tests" / "mutants", root / "tests" / "mutants")
    (root / "tests" / "test_toy.py").write_text(TOY_TESTS)
    (root / "pytest.ini").write_text("[pytest]\n")
    trees = Trees(root / "build" / "trees", 1, root)
    line_map = LineMap(root / "build" / "map", ["tests/test_toy.py"], root)
    assert list(trees.each(line_map.record, line_map.missing())) == ["tests/test_toy.py"]
    return line_map, trees.all[0]


def fault(after, within=""):
    (found,) = (
        mutant
        for mutant in mutants("toy.py", TOY)
        if mutant.after == after and mutant.within.startswith(within)
    )
    return found


def chosen(toy, after):
    tests, count = toy[0].choose(fault(after), 100.0)
    assert count == len(tests)
    return {test.name.partition("::")[2] for test in tests}


def test_tests_are_those_that_execute_the_line_and_pass(toy):
    assert chosen(toy, "return (2 / x)") == {"test_double"}
    assert chosen(toy, "while (n >= 0):") == {"test_down"}
    assert chosen(toy, "return (x - 2)") == set()


def test_what_a_shared_fixture_executes_has_all_tests_of_the_file(toy):
    assert chosen(toy, "return 2") == {"test_double", "test_down", "test_nothing"}


def test_what_is_assigned_at_import_has_the_tests_that_read_it(toy):
    assert chosen(toy, "LIMIT = 4") == {"test_double"}


def test_what_no_function_reads_has_the_tests_of_the_module(toy):
    assert chosen(toy, "CLASSES = {4: None}") == {"test_double", "test_down", "test_nothing"}


def test_a_record_is_kept_until_the_sources_change(toy, tmp_path):
    line_map, tree = toy
    folder = next(iter(line_map.records.values())).parent
    assert LineMap(folder, ["tests/test_toy.py"], tree.folder).missing() == []
    changed = Tree(tmp_path / "copy", tree.folder)
    with changed.planted(fault("LIMIT = 4")):
        assert LineMap(folder, ["tests/test_toy.py"], changed.folder).missing() != []


# --- trials


@pytest.mark.parametrize(
    ("after", "how", "caught_by"),
    [
        ("return (2 / x)", "failed", "tests/test_toy.py::test_double"),
        ("return (x - 1)", "survived", ""),
        ("return (x - 2)", "not executed", ""),
        ("if (not n < 0):", "died", "tests/test_toy.py::test_down"),
    ],
)
def test_a_trial_says_what_became_of_the_fault(toy, after, how, caught_by):
    line_map, tree = toy
    trial = attempt(line_map, 100.0, tree, fault(after))
    assert (trial.how, trial.caught_by) == (how, caught_by)
    assert (tree.folder / "src" / "adjoint" / "toy.py").read_text() == TOY


def test_a_loop_without_end_is_ended_by_the_time_of_the_processor(toy):
    _, tree = toy
    (tree.folder / "choice.json").write_text(
        '[["tests/test_toy.py", [["tests/test_toy.py::test_down", 0.0]]]]'
    )
    script = (
        "import sys; from tests.mutants import run; run.LEAST_SECONDS = 0.5\n"
        "sys.exit(run.main('choice.json', 'result.json'))"
    )
    with tree.planted(fault("pass", within="down")):
        ended = subprocess.run(
            [sys.executable, "-c", script],
            cwd=tree.folder,
            env={"PYTHONPATH": str(tree.folder / "src"), "PATH": ""},
            capture_output=True,
        )
    assert ended.returncode < 0
    assert (tree.folder / "result.json").read_text() == ('["died", "tests/test_toy.py::test_down"]')


def test_a_run_that_is_late_is_ended_with_what_it_has_started(toy):
    _, tree = toy
    assert tree.run("run", "missing.json", "result.json", seconds=0.0) is None


# --- the report


def test_the_report_lists_survivors_and_the_equivalent_with_their_reasons(tmp_path):
    faults = of("def f(a):\n    return a + 1\n")
    trials = [Trial(faults[0], "test_f", "failed", 1, 1), Trial(faults[1], "", "survived", 1, 2)]
    report.write(tmp_path, trials, {faults[2]: "The sum is not used."})
    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "2 mutants, 1 caught (50.0%), 1 equivalent left out" in page
    assert "survived 1 of the 2 tests that execute it" in page.partition("## Equivalent")[0]
    assert "The sum is not used." in page
    assert (tmp_path / "survivors.json").read_text(encoding="utf-8").count("file.py") == 1


def test_what_one_trial_raises_ends_the_others(tmp_path, toy):
    trees = Trees(tmp_path, 1, toy[1].folder)
    with pytest.raises(queue.Empty):
        list(trees.each(lambda tree, item: queue.SimpleQueue().get_nowait(), [1, 2]))


def test_every_mutant_that_is_kept_as_equivalent_is_still_one_of_the_package():
    keys = [list(key) for key in equivalent.reasons()]
    assert len(with_keys(keys)) == len(keys)
