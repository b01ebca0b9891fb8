"""Makes the pictures in this folder anew: python docs/images/remake.py.

The boundary is the one of `adjoint demo` with its defaults, which takes some seconds.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import adjoint as ad
from adjoint.cli import demo

HERE = Path(__file__).parent


def boundary() -> None:
    """Copy the picture of the demo."""
    result = demo.train(demo.prepare(demo.DemoSettings()))
    with TemporaryDirectory() as folder:
        demo.draw(result, Path(folder))
        picture = Path(folder, "decision_boundary.png").read_bytes()
    HERE.joinpath("decision_boundary.png").write_bytes(picture)


def graph() -> None:
    """Draw x w + x**3 at 2 and 4; `eval` keeps this file's lines out of the picture's tips."""
    ad.draw(eval("lambda x, w: x * w + x**3"), 2.0, 4.0).save(HERE / "graph.svg")


if __name__ == "__main__":
    boundary()
    graph()
