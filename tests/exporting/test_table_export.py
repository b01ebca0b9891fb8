"""A model of a table brings the rules by which its texts are read."""

from collections import Counter

import numpy as np
import pyarrow
import pytest

from adjoint.cli.main import main
from adjoint.tables.folder import load_model

TEXTS = ["1,5 €", "-2000,25 €", "", "NA", "12 €", "3,5", None, "no number"]
KINDS = ["rot", "ROT", "blau", "", "grün*/", "1", "1.0", None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the folder of a model with decimal commas, units, missing values and categories."""
    place = tmp_path_factory.mktemp("export")
    rng = np.random.default_rng(0)
    lines = ["Preis;Art;Größe;y"]
    for n in range(200):
        size, kind = rng.normal() * 10, int(rng.integers(0, 3))
        price = "" if n % 11 == 0 else f"{rng.uniform(1, 99):.2f} €".replace(".", ",")
        name = "NA" if n % 13 == 0 else ["rot", "blau", "grün*/"][kind]
        label = "ja" if size + kind > 1 else "nein"
        lines.append(f"{price};{name};{f'{size:.2f}'.replace('.', ',')};{label}")
    (place / "t.csv").write_text("\n".join(lines) + "\n", "utf-8")
    arguments = ["fit", str(place / "t.csv"), "--target", "y", "--out", str(place / "m")]
    assert main([*arguments, "--epochs", "2"]) == 0
    return place


def test_the_file_reads_texts_as_the_model_does(folder):
    out = folder / "model.py"
    assert main(["export", str(folder / "m"), "--out", str(out)]) == 0
    scope = {"__name__": "model"}
    exec(compile(out.read_text("utf-8"), str(out), "exec"), scope)
    table = {"Preis": TEXTS, "Art": KINDS, "Größe": ["0,5", "1e3", "-7", "?", " 2 ", "9", "x", "-"]}
    table["Preis"] = [text if text != "3,5" else "3,5 €" for text in TEXTS]
    block = pyarrow.table({name: pyarrow.array(v, pyarrow.string()) for name, v in table.items()})
    expected = load_model(folder / "m").predict(block, Counter())
    found = scope["model"](table)
    assert list(found) == list(expected)
    assert found["prediction"].tolist() == expected["prediction"].tolist()
    np.testing.assert_allclose(found["probability_ja"], expected["probability_ja"], rtol=1e-5)


def test_a_number_in_another_format_is_refused_as_by_the_model(folder):
    out = folder / "strict.py"
    assert main(["export", str(folder / "m"), "--out", str(out)]) == 0
    scope = {"__name__": "strict"}
    exec(compile(out.read_text("utf-8"), str(out), "exec"), scope)
    with pytest.raises(ValueError, match=r"'1\.5 €' is a number, but written in another way"):
        scope["strict"]({"Preis": ["1.5 €"], "Art": ["rot"], "Größe": ["1"]})


def test_c_refuses_texts_by_name_and_writes_nothing(folder, capsys):
    out = folder / "model.c"
    assert main(["export", str(folder / "m"), "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert "'Preis' of a table is read as texts" in error
    assert error.count("\n") == 1
    assert not out.exists()
    assert not out.with_suffix(".h").exists()


def test_an_unknown_target_is_bad_usage(folder, capsys):
    assert main(["export", str(folder / "m"), "--out", str(folder / "model.exe")]) == 2
    assert "expected one of py, c" in capsys.readouterr().err
