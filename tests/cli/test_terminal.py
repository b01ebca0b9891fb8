"""Text out of a file reaches the terminal as text: it moves no cursor and sets no colour."""

import ast
import csv
import io
import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("pyarrow")
pytest.importorskip("tabulate")

import adjoint
from adjoint.cli import main, terminal
from adjoint.tables.reading.table_file import TableFile

CLI = Path(adjoint.__file__).parent / "cli"
# A title, a colour, a line break, a carriage return, C1, DEL, a bell, overrides and separators.
HOSTILE = "\x1b]0;x\x07\x1b[31m\r\n\x9b2J\x7f\x85\t\u202e\u2066\u200f\u2028\u2029\ufeff\u200b"
FLAG = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
HARMLESS = f"上海\u3000葛\U000e0100 👩\u200d🚀 👍🏽 ❤\ufe0f {FLAG} é ñ עברית می\u200cخواهم ①"


def is_told(letter):
    """Return whether a terminal would obey a letter, and a reader would not see it."""
    is_format = unicodedata.category(letter) == "Cf" and letter in HOSTILE
    return is_format or unicodedata.category(letter) in ("Cc", "Zl", "Zp", "Cs")


@pytest.mark.parametrize("letter", [*HOSTILE, *map(chr, range(32)), *map(chr, range(127, 160))])
def test_what_a_terminal_obeys_is_shown_as_python_writes_it(letter):
    assert terminal.shown(f"a{letter}b") == f"a{ascii(letter)[1:-1]}b"


def test_chinese_emoji_and_other_letters_stay():
    assert terminal.shown(HARMLESS) == HARMLESS


def test_letters_that_are_seen_nowhere_are_shown_outside_of_a_flag():
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "hidden")
    assert terminal.shown(f"🏴{hidden}").isprintable()
    assert terminal.shown("a\udc80") == "a\\udc80"


def test_json_means_the_same_and_tells_a_terminal_nothing(capsys):
    value = {HOSTILE: [HARMLESS, "\udc80", "\n"]}
    for indent in (None, 2):
        terminal.say_json(value, indent=indent)
        out = capsys.readouterr().out
        assert json.loads(out) == value
        assert HARMLESS in out
        assert not any(is_told(letter) for letter in out.replace("\n", ""))


def test_a_line_of_several_is_one_line(capsys):
    terminal.say("a\nb")
    terminal.note("c\r\nd")
    terminal.say_lines("e\nf\x1b")
    terminal.note_lines("g\nh\r")
    assert capsys.readouterr() == ("a\\nb\ne\nf\\x1b\n", "c\\r\\nd\ng\nh\\r\n")


def test_nothing_else_of_the_commands_prints():
    allowed = {"terminal.py": {"print"}, "__init__.py": {"echo"}, "demo.py": {"write"}}
    for path in CLI.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                is_print = name in ("print", "echo", "secho") or ast.unparse(node.func) in (
                    "tqdm.write",
                    "sys.stdout.write",
                    "sys.stderr.write",
                )
                if is_print and path.name != "terminal.py":
                    assert name in allowed.get(path.name, ()), (path, ast.unparse(node))


# --- the commands ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a table of hostile names, and a model of it."""
    folder = tmp_path_factory.mktemp("names \x1b[31m\u202e\r")
    rng = np.random.default_rng(0)
    with (folder / "t.csv").open("w", encoding="utf-8", newline="") as file:
        write = csv.writer(file)
        names = [f"n{HOSTILE}", f"c{HOSTILE}", f"g{HOSTILE}", f"y{HOSTILE}"]
        write.writerow(names)
        for k, x in enumerate(rng.normal(size=120)):
            kind = ("a", "b")[k % 2]
            row = [f"{x:.4f}", f"{kind}{HOSTILE}", f"g{k // 6}{HOSTILE}", f"{x > 0}{HOSTILE}"]
            write.writerow(row)
    return folder


def lines_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def fitting(folder, out):
    """Return the command that makes a model of the table."""
    names = TableFile(folder / "t.csv").names
    assert all("\x1b[31m" in name for name in names)
    words = ["--target", names[3], "--split-by", names[2], "--epochs", "1", "--ensemble", "1"]
    return ["fit", str(folder / "t.csv"), *words, "--out", str(folder / out)]


@pytest.fixture(scope="module")
def model(folder):
    assert main(fitting(folder, "m")) == 0
    return folder / "m"


def harmless(printed):
    """Check what a command printed."""
    for text in printed:
        assert not any(is_told(letter) for letter in text.replace("\n", "")), text
        assert not any(line.startswith("\\n") for line in text.split("\n"))


def test_fit_prints_text_alone(folder, capsys):
    for more in ([], ["--json", "--force"]):
        assert main([*fitting(folder, "other"), *more]) == 0
        harmless(capsys.readouterr())


def test_other_commands_print_text_alone(folder, model, capsys):
    table, names = str(folder / "t.csv"), TableFile(folder / "t.csv").names
    for words in (
        ["show", str(model)],
        ["show", str(model), "--json"],
        ["evaluate", str(model), table],
        ["evaluate", str(model), table, "--json"],
        ["explain", str(model), table, "--batch-size", "3", "--out", str(folder / "e")],
        ["predict", str(model), table, "--out", str(folder / "p.csv")],
        ["export", str(model), "--out", str(folder / "m.py")],
    ):
        assert main(words) == 0
        harmless(capsys.readouterr())
    assert lines_of(folder / "p.csv")[1][0] in (f"True{HOSTILE}", f"False{HOSTILE}")
    for words in (
        ["fit", table, "--target", "z", "--out", str(folder / "o")],
        ["fit", table, "--target", names[3], "--drop", names[3], "--out", str(folder / "o")],
        ["fit", table + "\x1b", "--target", "z", "--out", str(folder / "o")],
        ["predict", str(model), str(folder / "p.csv")],
        ["predict", table, table],
        ["show", str(folder)],
        ["play", table],
        ["check", table],
        ["launch", table + "\x9b"],
    ):
        assert main(words) in (1, 2)
        printed = capsys.readouterr()
        harmless(printed)
        assert printed.err.count("\n") == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "gbk"])
def test_an_encoding_that_lacks_letters_shows_them_as_python_writes_them(
    encoding, model, monkeypatch
):
    written = {}
    for more in ("", "--json"):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        with monkeypatch.context() as patched:
            patched.setattr("sys.stdout", stream)
            assert main(["show", str(model), *filter(None, [more])]) == 0
            terminal.say_json(HARMLESS) if more else terminal.say(HARMLESS)
        stream.flush()
        written[more] = stream.buffer.getvalue().decode(encoding).splitlines()
    shown = HARMLESS.encode(encoding, "backslashreplace").decode(encoding)
    assert written[""][-1] == shown
    assert json.loads(written["--json"][-1]) == HARMLESS
    assert json.loads(written["--json"][0])["target"]["labels"]


def test_predictions_are_as_they_are_in_a_pipe_and_text_on_a_terminal(
    folder, model, capsysbinary, monkeypatch
):
    words = ["predict", str(model), str(folder / "t.csv")]
    assert main(words) == 0
    piped = capsysbinary.readouterr().out.decode()
    assert list(csv.reader(io.StringIO(piped, newline="")))[1][0].endswith(HOSTILE)
    for more in ([], ["--json"]):
        screen = io.StringIO()
        monkeypatch.setattr(screen, "isatty", lambda: True, raising=False)
        with monkeypatch.context() as patched:
            patched.setattr("sys.stdout", screen)
            assert main([*words, *more]) == 0
        harmless([screen.getvalue()])
        assert "\\x1b[31m" in screen.getvalue() or "\\u001b[31m" in screen.getvalue()
