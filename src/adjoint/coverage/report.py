"""The report: the count as text for a console and as a page of the documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from .count import SHARE, Count, Entry
from .examples import FAMILIES

_HEAD = """\
# NumPy's functions

{right} of the {total} functions of NumPy {version} with a derivative differentiate when NumPy's own
function is called on tensors: {share:.1%}. This page is written by

```console
python -m adjoint.coverage --markdown > docs/reference/coverage.md
```

A function counts if a call in which tensors are recorded gives NumPy's values and a graph, and if
both modes of differentiation agree with numerical derivatives. Aliases count once. A function that
is neither excluded below nor has an example makes the command fail; the examples stand in
`src/adjoint/coverage/examples.py`.
"""


def minor_version() -> str:
    """Return NumPy's version as far as it decides which functions there are.

    >>> np.__version__.startswith(minor_version())
    True
    """
    return ".".join(np.__version__.split(".")[:2])


def as_text(count: Count) -> str:
    """Return the count in a few lines, with what fails by name.

    >>> found = Count([Entry(("exp",), np.exp)], {}, {}, [Entry(("new",), np.cos)])
    >>> print(as_text(found))
    1 of 1 functions of NumPy ... with a derivative differentiate: 100.0% (goal 95%); 0 have none.
      unknown  np.new: neither excluded nor exemplified
    """
    total = len(count.right) + len(count.failing)
    lines = [
        f"{len(count.right)} of {total} functions of NumPy {minor_version()} with a derivative "
        f"differentiate: {count.share:.1%} (goal {SHARE:.0%}); {len(count.excluded)} have none."
    ]
    lines += [f"  fails    {entry.title}: {why}" for entry, why in count.failing.items()]
    lines += [
        f"  unknown  {entry.title}: neither excluded nor exemplified" for entry in count.unknown
    ]
    return "\n".join(lines)


def as_markdown(count: Count) -> str:
    """Return docs/reference/coverage.md.

    >>> as_markdown(Count([Entry(("exp",), np.exp)], {}, {}, [])).splitlines()[0]
    "# NumPy's functions"
    """
    return "\n".join(_page(count)) + "\n"


def _page(count: Count) -> Iterator[str]:
    yield _HEAD.format(
        right=len(count.right),
        total=len(count.right) + len(count.failing),
        version=minor_version(),
        share=count.share,
    )
    yield "## What differentiates\n\n| family | functions |\n|---|---|"
    for family, examples in FAMILIES.items():
        yield f"| {family} | {_listed(e for e in count.right if set(e.names) & examples.keys())} |"
    if count.failing:
        yield "\n## What does not yet\n\nThey refuse a tensor that requires a gradient.\n"
        yield _listed(count.failing)
    yield "\n## What has no derivative\n\n| reason | functions |\n|---|---|"
    for reason in dict.fromkeys(count.excluded.values()):
        yield f"| {reason} | {_listed(e for e, why in count.excluded.items() if why == reason)} |"


def _listed(entries: Iterable[Entry]) -> str:
    return ", ".join(f"`{name}`" for entry in entries for name in entry.names)
