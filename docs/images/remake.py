"""Makes the pictures in this folder anew: python docs/images/remake.py.

The boundary is the one of `adjoint demo` with its defaults, which takes some seconds. The part of a
page is photographed by Chromium, if it is there.
"""

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from matplotlib.image import imread, imsave

import adjoint as ad
from adjoint.cli import demo, main

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


def page() -> None:
    """Photograph the first steps backward on the page that `adjoint explain` writes."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        print("explain.png is left as it is: there is no Chromium")
        return
    with TemporaryDirectory() as folder:
        main(["explain", "--out", folder])
        # At this width the steps begin 3,400 pixels below the top; look at it after a change.
        shot = Path(folder, "page.png")
        options = ["--headless=new", "--no-sandbox", "--hide-scrollbars", "--window-size=900,6000"]
        address = Path(folder, "derivation.html").as_uri()
        subprocess.run([browser, *options, f"--screenshot={shot}", address], check=True)
        imsave(HERE / "explain.png", imread(shot)[3400:4045, :780])


if __name__ == "__main__":
    boundary()
    graph()
    page()
