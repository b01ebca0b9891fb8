"""Models that several targets export."""

import numpy as np
import pytest

from adjoint.cli.main import main


@pytest.fixture(scope="session")
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
    assert main([*arguments, "--epochs", "2", "--hidden", "8", "--ensemble", "2"]) == 0
    return place
