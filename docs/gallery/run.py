"""The gallery is written by running the examples: python docs/gallery/run.py [NAME …] [--pages].

An example's time, what it printed and its picture are kept here, so that the site is built without
running any; its page is written from them and from what the example says of itself.
"""

from __future__ import annotations

import argparse
import ast
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
EXAMPLES = ROOT / "examples"
RESULTS = FOLDER / "results.json"
TITLES = {
    "quantile_regression": "Quantiles by one network",
    "fit_with_scipy": "A logistic regression by SciPy's Newton method",
    "sir_model": "An epidemic: the SIR model fitted to data",
    "survival_model": "Survival times, some of them censored",
    "kalman_filter": "A hundred years of the Nile by Kalman's filter",
    "lotka_volterra": "Lynx and hare",
    "hamiltonian_sampler": "Eight schools by Hamiltonian Monte Carlo",
    "gaussian_process": "A Gaussian process",
    "inverse_heat": "Heat found from inside of a rod",
    "neural_ode": "A neural ODE",
    "truss": "A truss by sparse Newton steps",
    "bundle_adjustment": "Bundle adjustment with a sparse Jacobian",
    "digits_cnn": "Digits by a convolutional network",
    "noisy_labels": "Wrong labels",
    "character_model": "Text, character by character",
}
_INDEX = """\
# Gallery

Each example is a file that runs by itself, as `python examples/{first}.py`. Pictures, times and
what was printed are from `python docs/gallery/run.py`, which runs them and writes these pages.

"""


@dataclass(frozen=True)
class Result:
    """What a run of an example gave."""

    seconds: float
    printed: str
    machine: str


def names() -> list[str]:
    """Return the examples, in the order of the gallery; those without a title come last."""
    found = {path.stem for path in EXAMPLES.glob("*.py")}
    return [*(name for name in TITLES if name in found), *sorted(found - TITLES.keys())]


def run(name: str) -> Result:
    """Run an example and keep its picture."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(EXAMPLES / f"{name}.py"), "--out", "."]
        begin = time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - begin
        if done.returncode:
            raise SystemExit(f"{name} failed:\n{done.stderr}")
        shutil.copy(Path(folder) / f"{name}.png", FOLDER)
    return Result(round(seconds, 1), done.stdout.strip(), _machine())


def _machine() -> str:
    """Return the processor and the versions that a time belongs to."""
    sys.path.insert(0, str(ROOT))
    from benchmarks.machine import describe

    found = describe()
    return (
        f"{found['processor']}, {found['cores']} cores, Python {found['python']}, "
        f"NumPy {found['versions']['numpy']}"
    )


def page(name: str, result: Result) -> str:
    """Return the page of an example in Markdown."""
    said = ast.get_docstring(ast.parse((EXAMPLES / f"{name}.py").read_text(encoding="utf-8")))
    title = TITLES[name]
    return f"""\
# {title}

{_as_markdown(said or "")}

![{title}: the picture that it draws]({name}.png)

It took {result.seconds:.1f} s, the imports included ({result.machine}), and printed

```text
{result.printed}
```

## The code

It is [examples/{name}.py](../../examples/{name}.py).

```{{literalinclude}} ../../examples/{name}.py
:language: python
```
"""


def _as_markdown(docstring: str) -> str:
    """Return a docstring with its commands in boxes."""
    return "\n\n".join(map(_part, docstring.split("\n\n")))


def _part(text: str) -> str:
    return f"```sh\n{text.strip()}\n```" if text.lstrip().startswith("python ") else text


def index(results: dict[str, Result]) -> str:
    """Return the page that lists all, in Markdown."""
    parts = [
        f"## [{TITLES[name]}]({name}.md)\n\n"
        f"[![{TITLES[name]}]({name}.png)]({name}.md)\n\n{results[name].seconds:.1f} s\n\n"
        for name in names()
    ]
    listed = "\n".join(names())
    tree = f"```{{toctree}}\n:hidden:\n\n{listed}\n```\n"
    return _INDEX.format(first=names()[0]) + "".join(parts) + tree


def read() -> dict[str, Result]:
    """Return the results that are kept."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return {name: Result(**result) for name, result in kept.items()}


def write(results: dict[str, Result]) -> None:
    """Write the results and all pages."""
    kept = {name: asdict(results[name]) for name in names()}
    RESULTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for name in names():
        (FOLDER / f"{name}.md").write_text(page(name, results[name]), encoding="utf-8")
    (FOLDER / "index.md").write_text(index(results), encoding="utf-8")


def main() -> None:
    """Run the examples that are named, or all, or none and write the pages anew."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", choices=[[], *names()], metavar="NAME")
    parser.add_argument("--pages", action="store_true", help="run nothing")
    chosen = parser.parse_args()
    results = read()
    for name in [] if chosen.pages else chosen.names or names():
        print(f"{name} …", flush=True)
        results[name] = run(name)
        print(f"{name}: {results[name].seconds} s", flush=True)
    write(results)


if __name__ == "__main__":
    main()
