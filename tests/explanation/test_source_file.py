"""`adjoint check` says which lines a file needs to be checked, and runs no more than needed."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from adjoint.cli import main
from adjoint.explanation.review.source_file import review_file

LAYERS = """
    import numpy as np

    class Linear:
        def __init__(self, inputs, outputs, bias=True):
            self.weights = np.random.rand(inputs, outputs)
            self.bias = np.random.rand(outputs)
        def __call__(self, x):
            self.input = x
            return x @ self.weights + self.bias
        def backward(self, grad, learning_rate):
            below = grad @ self.weights.T
            self.weights -= learning_rate * self.input.T @ grad
            self.bias -= learning_rate * grad.sum(axis=0)
            return below

    class Sigmoid:
        def __call__(self, x):
            self.output = 1 / (1 + np.exp(-x))
            return self.output
        def backward(self, grad, learning_rate):
            return grad * self.output * (1 - self.output)

    class Softmax:
        def __call__(self, x):
            e = np.exp(x)
            return e / e.sum(axis=1, keepdims=True)

    class MLP:
        def __init__(self):
            self.layers = [Linear(2, 4), Sigmoid(), Linear(4, 2)]
        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return x
        def backwardAndGradientDescent(self, x, y, learning_rate):
            grad = self.forward(x).copy()
            grad[range(len(y)), y] -= 1
            grad /= len(y)
            for layer in reversed(self.layers):
                grad = layer.backward(grad, learning_rate)

    mlp = MLP()
"""
PROGRAM = """
    while True:
        raise RuntimeError("the training was run")
    import matplotlib.pyplot
    matplotlib.pyplot.show()
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(*texts):
        text = "\n".join(map(textwrap.dedent, texts))
        (tmp_path / "article.py").write_text(text, encoding="utf-8")
        return "article.py"

    return write


def suggested(capsys):
    """Return the lines that were printed to be added."""
    printed = capsys.readouterr().out
    return [line[4:] for line in printed.splitlines() if line.startswith("    ")]


def test_a_file_without_inputs_is_told_its_layers_and_the_lines_to_add(write, capsys):
    assert main(["check", write(LAYERS, PROGRAM)]) == 2
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert "it has Linear, Sigmoid, MLP, but names no arrays" in printed.err
    assert "linear = Linear(2, 4)\n    linear_inputs = (np.ones((5, 2)),)\n" in printed.out
    assert "mlp_inputs = (np.ones((5, 2)), np.array([0, 1, 0, 1, 0]))" in printed.out
    assert "mlp = " not in printed.out
    assert "Softmax" not in printed.out


def test_the_suggested_lines_work_where_they_are_said_to_be_put(write, capsys):
    main(["check", write(LAYERS, PROGRAM)])
    lines = suggested(capsys)
    assert main(["check", write(LAYERS, "\n".join(lines), PROGRAM)]) == 1
    printed = capsys.readouterr().out
    assert "linear.backward: right (d_x, d_weights, d_bias;" in printed
    assert "sigmoid.backward: right" in printed
    assert (
        "mlp.backwardAndGradientDescent beside the mean cross-entropy: wrong in 4 of 4" in printed
    )
    assert "logits stands where softmax(logits) belongs" in printed
    assert printed.count("[operand]") == 1


def test_with_json_the_lines_are_no_part_of_the_output(write, capsys):
    assert main(["check", "--json", write(LAYERS)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "linear_inputs" in printed.err


def test_a_class_that_needs_arguments_is_told_to_make_an_object(write, capsys):
    assert main(["check", write(LAYERS, "Linear_inputs = (np.ones((5, 2)),)")]) == 2
    printed = capsys.readouterr()
    assert "give an object: Linear(inputs, outputs), not the class" in printed.err
    assert "linear = Linear(2, 4)" in printed.out


CLASSES = {
    "arrays": (
        """
        import numpy
        class Dense:
            def __init__(self, n_in, n_out):
                self.W = numpy.ones((n_in, n_out)) * 0.3
            def forward(self, x):
                self.x = x
                return x @ self.W
            def backward(self, g):
                self.dW = self.x.T @ g
                return g @ self.W.T
        """,
        ["dense = Dense(2, 4)", "dense_inputs = (numpy.ones((5, 2)),)"],
    ),
    "a name that is taken": (
        """
        import numpy as np
        def relu(x): return np.maximum(x, 0)
        class ReLU:
            def forward(self, x):
                self.x = x
                return relu(x)
            def backward(self, g): return g * (self.x > 0)
        """,
        ["relu_layer = ReLU()", "relu_layer_inputs = (np.ones((5, 2)),)"],
    ),
    "a dataclass": (
        """
        from __future__ import annotations
        from dataclasses import dataclass
        import numpy as np
        @dataclass
        class Scale:
            factor: Unknown = 2.0
            def forward(self, x): return self.factor * x
            def backward(self, g): return self.factor * g
        """,
        ["scale = Scale()", "scale_inputs = (np.ones((5, 2)),)"],
    ),
    "what a class inherits": (
        """
        import numpy as np
        class Base:
            def backward(self, g): return 2 * g
        class Twice(Base):
            def forward(self, x): return 2 * x
        """,
        ["twice = Twice()", "twice_inputs = (np.ones((5, 2)),)"],
    ),
    "a regression": (
        """
        import numpy as np
        class Line:
            def __init__(self): self.w = np.ones((3, 1))
            def forward(self, x): return x @ self.w
            def backward(self, x, y, lr):
                self.w -= lr * 2 * x.T @ (x @ self.w - y) / len(x)
        """,
        [
            "line = Line()",
            "line_inputs = (np.ones((5, 3)), np.ones((5, 1)))",
            "line_loss = lambda output, y: np.mean((output - y) ** 2)"
            "  # the loss that it begins with",
        ],
    ),
}


@pytest.mark.parametrize("name", CLASSES)
def test_lines_are_suggested_that_work(write, capsys, name):
    text, lines = CLASSES[name]
    assert main(["check", write(text)]) == 2
    assert suggested(capsys) == lines
    assert main(["check", write(text, "\n".join(lines))]) == 0, capsys.readouterr().out


def test_two_functions_are_told_to_name_their_arrays(write, capsys):
    text = "def half_forward(x, w): return x * w\ndef half_backward(g, x, w): return g * w, g * x\n"
    assert main(["check", write(text)]) == 2
    assert suggested(capsys) == [
        "half_inputs = (x, w)  # with your arrays to call half_forward(x, w) with"
    ]


def test_a_class_that_cannot_be_tried_is_suggested_by_its_parameters(write, capsys):
    text = """
        import nothing_of_the_kind
        class Layer:
            def __init__(self, table): self.table = nothing_of_the_kind.read(table)
            def forward(self, x): return x
            def backward(self, g): return g
    """
    assert main(["check", write(text)]) == 2
    assert suggested(capsys)[1:] == ["layer = Layer(table)", "layer_inputs = (np.ones((5, 2)),)"]


# --- what is run


def test_below_the_last_inputs_only_what_is_needed_is_run(write, capsys):
    text = """
        inputs = (0.5,)
        print("the program was run")
        FACTOR = 2.0
        TABLE = print("an assignment that nobody reads was run")
        def helper(x): return FACTOR * x
        for _ in range(3): print("a loop was run")
        def forward(x): return helper(x)
        def backward(g, x): return FACTOR * g
        input("a question")
    """
    assert main(["check", write(text)]) == 0
    assert capsys.readouterr().out == "backward: right (d_x; 3 calls, by derivation)\n"


def test_what_stands_above_the_inputs_is_run(write, capsys):
    text = """
        import numpy as np
        w = np.ones(3)
        w[1] = 5.0
        def forward(x): return x * w
        def backward(g, x): return g * w
        inputs = w + 1
        assert inputs[1] == 6
    """
    assert main(["check", write(text)]) == 0


def test_a_question_finds_no_answer(write, capsys):
    assert main(["check", write("n = input('how many? ')\ninputs = (1.0,)\n")]) == 2
    assert "line 1: it asks for input" in capsys.readouterr().err


def test_nothing_is_done_as_a_program(write, capsys):
    text = """
        def forward(x): return x
        def backward(g, x): return g
        if __name__ == "__main__":
            raise SystemExit("run as a program")
        inputs = (1.0,)
    """
    assert main(["check", write(text)]) == 0


def test_a_file_that_takes_long_says_where_it_is(write, capsys, monkeypatch):
    monkeypatch.setattr("adjoint.cli.commands.check._PATIENCE", 0.01)
    text = """
        import time
        def forward(x): return x
        def backward(g, x): return g
        for _ in range(20):
            time.sleep(0.01)
        inputs = (1.0,)
    """
    assert main(["check", write(text)]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert "still running article.py, line " in line


def test_an_error_of_the_file_is_told_by_its_line(write, capsys):
    assert main(["check", write("inputs = (1.0,)\n", "inputs = inputs[3]\n")]) == 2
    assert "article.py, line 3: IndexError" in capsys.readouterr().err


def test_a_notebook_is_told_to_be_saved_as_python(tmp_path, capsys):
    path = tmp_path / "article.ipynb"
    path.write_text(json.dumps({"cells": []}), encoding="utf-8")
    assert main(["check", str(path)]) == 2
    assert "save its code as a .py file" in capsys.readouterr().err


def test_a_list_of_rows_is_one_array(write, capsys):
    text = """
        def forward(x): return x * 2.0
        def backward(g, x): return 2 * g
        inputs = [[0.5, -1.2], [0.7, 0.3], [-0.2, 0.8]]
    """
    assert main(["check", write(text)]) == 0


def test_a_star_import_may_name_the_inputs(write, tmp_path, capsys):
    (tmp_path / "given_inputs.py").write_text("inputs = (1.0,)\n", encoding="utf-8")
    text = """
        from given_inputs import *
        def forward(x): return x
        def backward(g, x): return g
    """
    assert main(["check", write(text)]) == 0


LINEAR = """
    import numpy as np
    def forward(x, W):
        return x @ W
    def backward(g, x, W):
        return g @ W.T, x.T @ g
    inputs = np.arange(10.0).reshape(5, 2), np.arange(6.0).reshape(2, 3)
"""


def test_a_file_that_begins_with_a_byte_order_mark_is_checked(tmp_path, capsys):
    path = tmp_path / "marked.py"
    path.write_text(textwrap.dedent(LINEAR), encoding="utf-8-sig")
    assert main(["check", str(path)]) == 0


ENDS = {
    "it exits": "exit()",
    "it exits with bye": "raise SystemExit('bye')",
    "GeneratorExit": "raise GeneratorExit",
    "line 5: Own: stop": "raise type('Own', (BaseException,), {})('stop')",
    "line 5: Mute": "raise type('Mute', (BaseException,), {'__str__': lambda self: 1 / 0})",
}


@pytest.mark.parametrize("said", ENDS)
@pytest.mark.parametrize("command", ["check", "explain"])
def test_no_call_of_a_function_ends_the_command_as_if_all_were_well(
    write, tmp_path, capsys, command, said
):
    text = LINEAR.replace("return g @", f"{ENDS[said]}\n        return g @")
    text = text if command == "check" else text.replace("return x @ W", ENDS[said])
    text = text if command == "check" else f"\n{text}"  # the line of both is 5
    asked = ["--out", str(tmp_path / "out.txt")] if command == "explain" else []
    assert main([command, write(text), *asked]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said.removeprefix("line 5: ") in line
    assert "line " in line


def test_what_a_file_changes_of_the_process_is_as_before(write, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    places = [*sys.path]
    moved = "\n    import os, sys\n    os.chdir('/')\n    sys.path.clear()" + LINEAR
    assert main(["check", write(moved)]) == 0
    assert Path.cwd() == tmp_path
    assert sys.path == places


@pytest.mark.parametrize("json", [[], ["--json"]])
@pytest.mark.parametrize(
    "act",
    [
        "sys.stdout.close()",
        "sys.stderr.close()",
        "sys.stdout = io.StringIO()",
        "sys.stdout = sys.stderr = None",
    ],
)
@pytest.mark.parametrize("before", ["    inputs", "        return x @ W"])
def test_a_file_that_takes_the_streams_away_is_checked(write, capsys, act, before, json):
    indent = before[: len(before) - len(before.lstrip())]
    text = "\n    import io, sys" + LINEAR.replace(before, f"{indent}{act}\n{before}")
    assert main(["check", write(text), *json]) == 0
    assert ('"right": true' if json else "right (d_x, d_W") in capsys.readouterr().out


def test_a_file_that_takes_the_modules_away_is_checked(write):
    path = write("import sys", LINEAR, "sys.modules.clear()", "inputs = inputs")
    # In a process of its own: nothing works without modules, least of all the report of a failure.
    run = subprocess.run(
        [sys.executable, "-m", "adjoint", "check", path],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "right (d_x, d_W" in run.stdout


def test_control_characters_of_an_error_do_not_reach_the_terminal(write, capsys):
    assert main(["check", write("raise ValueError('\\x1b[31mred 红')", LINEAR)]) == 2
    assert "ValueError: \\x1b[31mred 红\n" in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_fault_of_the_file(write):
    with pytest.raises(BrokenPipeError):
        review_file(Path(write("raise BrokenPipeError", LINEAR)))
