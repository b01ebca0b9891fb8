"""An einsum is a sum of products over named axes: multilinear, and its adjoints are einsums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from ..core.annotations import AnyArray, Array, Cotangent, Described, Params
from ..core.batching import Rows, one_by_one
from ..core.facts import Moves
from ..core.kinds import linear, multilinear
from ..core.links import by_names
from ..core.metadata import literal
from ..core.registry import NUMPY
from ..core.spec import shape_of
from ..errors import ShapeError
from .products import strong_product
from .structural import as_array
from .subscripts import LETTERS, letter_sizes, read_interleaved, split_terms, write_in_full

# What np.einsum takes as `optimize`: yes or no, how to search for a path, or the path itself.
Way = Literal["greedy", "optimal", "einsum_path"]
Path = bool | Way | Sequence[Way | int | Sequence[int]]


# Ten operands can be multiplied in some millions of orders; more are not searched exhaustively.
_MOST_SEARCHED = 10


def _is_searched(optimize: bool | str | Sequence[Any]) -> bool:
    return optimize == "optimal" or (isinstance(optimize, tuple) and optimize[:1] == ("optimal",))


def _einsum_shape(
    *operands: Described, subscripts: str, optimize: bool | str | Sequence[Any] = False
) -> tuple[int, ...]:
    shapes = [shape_of(x) for x in operands]
    if write_in_full(subscripts, shapes) != subscripts:
        raise ShapeError(f"subscripts {subscripts!r} are not written in full")
    if len(shapes) > _MOST_SEARCHED and _is_searched(optimize):
        raise ShapeError(
            f"optimize='optimal' looks through all orders of {len(shapes)} operands, which never "
            "ends; use 'greedy'"
        )
    terms, output = split_terms(subscripts)
    sizes = letter_sizes(terms, shapes)
    return tuple(sizes[letter] for letter in output)


def _einsum_adjoint(
    i: int, g: Cotangent, *operands: Any, subscripts: str, optimize: bool | str | Sequence[Any]
) -> AnyArray:
    """Return the einsum of the cotangent with the other operands.

    An axis that none of them has in full is brought in by ones, one that broadcast is summed, and a
    letter that stands twice in operand ``i`` (a diagonal) gets a second name through an identity.
    """
    terms, output = split_terms(subscripts)
    sizes = letter_sizes(terms, [x.shape for x in operands])
    parts = [g, *operands[:i], *operands[i + 1 :]]
    names = [output, *terms[:i], *terms[i + 1 :]]
    present = letter_sizes(names, [x.shape for x in parts])
    fresh = iter([letter for letter in LETTERS if letter not in sizes])
    target = ""
    for letter, size in zip(terms[i], operands[i].shape, strict=True):
        if size == 1 != sizes[letter] or (size == 1 and letter in target):
            parts.append(np.ones(1, g.dtype))
            names.append(next(fresh))
            target += names[-1]
        elif letter in target:
            parts.append(np.eye(size, dtype=g.dtype))
            names.append(letter + next(fresh))
            target += names[-1][-1]
        else:
            if present.get(letter) != size:
                parts.append(np.ones(size, g.dtype))
                names.append(letter)
            target += letter
    turned = f"{','.join(names)}->{target}"
    # A path that the caller chose fits the original operands, not these.
    faster = optimize is not False or len(parts) > 2
    return strong_einsum(parts, subscripts=turned, optimize=faster)


def _einsum_source(*names: str, subscripts: str, optimize: bool | str | Sequence[Any]) -> str:
    chosen = "" if optimize is False else f", optimize={literal(optimize)}"
    return f"np.einsum({subscripts!r}, {', '.join(names)}{chosen})"


def _strong_source(*names: str, subscripts: str, optimize: bool | str | Sequence[Any]) -> str:
    product = _einsum_source("*arrays", subscripts=subscripts, optimize=optimize)
    return f"strong_product(lambda *arrays: {product}, {', '.join(names)})"


def _einsum_latex(*names: str, subscripts: str, **_: object) -> str:
    terms, output = split_terms(subscripts)
    factors = [f"{{{x}}}_{{{term}}}" if term else x for x, term in zip(names, terms, strict=True)]
    # A letter that is not in the output is summed over.
    summed = "".join(dict.fromkeys(n for term in terms for n in term if n not in output))
    total = rf"\textstyle\sum_{{{summed}}} " if summed else ""
    return total + r" \, ".join(factors)


_CASES = [
    ((2, 3), (3, 4), {"subscripts": "ij,jk->ik"}),
    ((3, 3), {"subscripts": "ii->"}),
    ((2, 3, 3), {"subscripts": "bii->bi"}),
    ((3, 3, 3), {"subscripts": "iii->i"}),
    ((2, 3), {"subscripts": "ij->j"}),
    ((2, 3), {"subscripts": "ij->ji"}),
    ((2, 3), (4,), {"subscripts": "ij,k->k"}),
    ((2, 1), (2, 3), {"subscripts": "ij,ij->ij"}),
    ((1, 1), (3,), {"subscripts": "ii,i->i"}),
    ((), (3,), {"subscripts": ",i->i"}),
    ((2, 3), (3, 3), (3, 2), {"subscripts": "ij,jk,kl->il", "optimize": "greedy"}),
    ((2, 3), (2, 3), (2,), {"subscripts": "ij,ij,i->"}),
    ((0, 3), (3, 2), {"subscripts": "ij,jk->ik"}),
]


def _product_flops(out: Described, *operands: Described, subscripts: str, **_: Any) -> int:
    """Return two for each product, of which there are as many as the letters' sizes multiply to."""
    sizes: dict[str, int] = {}
    for letters, x in zip(subscripts.partition("->")[0].split(","), operands, strict=True):
        sizes.update(zip(letters, x.shape, strict=False))
    return 2 * math.prod(sizes.values())


def _named_links(out: Described, args: Sequence[Any], params: Params) -> Any:
    terms, output = split_terms(params["subscripts"])
    return by_names(out, args, terms, output)


def _named_in_rows(rows: Rows, *, subscripts: str, **params: Any) -> Any:
    free = set(LETTERS) - set(subscripts)
    if not free:
        return one_by_one(rows, subscripts=subscripts, **params)
    row = min(free)
    terms, output = subscripts.split("->")
    named = [
        row + term if is_mapped else term
        for term, is_mapped in zip(terms.split(","), rows.mapped, strict=True)
    ]
    text = f"{','.join(named)}->{row}{output}"
    return rows.apply(rows.operands, subscripts=text, **params)


@multilinear(
    batch=_named_in_rows,
    links=_named_links,
    public=False,
    adjoints=_einsum_adjoint,
    shape=_einsum_shape,
    source=_einsum_source,
    latex=_einsum_latex,
    cases=_CASES,
    flops=_product_flops,
)
def named_product(*operands: Array, subscripts: str, optimize: Path = False) -> Array:
    """Return the einsum of operands, by subscripts written in full: with output, without ellipsis.

    `einsum` understands every way that NumPy has of writing them.
    """
    return np.einsum(subscripts, *operands, optimize=optimize)


def _view_transpose(g: Cotangent, x: AnyArray, *, subscripts: str) -> AnyArray:
    return _einsum_adjoint(0, g, x, subscripts=subscripts, optimize=False)


@linear(
    batch=_named_in_rows,
    public=False,
    transposes=[_view_transpose],
    shape=_einsum_shape,
    source="np.einsum({subscripts}, {x})",
    latex=lambda x, subscripts: _einsum_latex(x, subscripts=subscripts),
    view="always",
    cases=[
        ((2, 3), {"subscripts": "ij->ji"}),
        ((2, 3, 3), {"subscripts": "bii->ib"}),
    ],
    moves=Moves(drops=True),
)
def named_view(x: Array, *, subscripts: str) -> Array:
    """Return the entries of one operand by other axes, or those of a diagonal: nothing is summed.

    Into NumPy's result one may assign, to change the operand. A card of its own says that here one
    may not.
    """
    return np.einsum(subscripts, x)


@multilinear(
    batch=_named_in_rows,
    links=_named_links,
    public=False,
    adjoints=_einsum_adjoint,
    shape=_einsum_shape,
    plain="named_product",
    source=_strong_source,
    latex=_einsum_latex,
    helpers=[strong_product],
    cases=_CASES,
    flops=_product_flops,
)
def strong_einsum(*operands: Array, subscripts: str, optimize: Path = False) -> Array:
    """Return the einsum of operands, in which a term with a factor 0 is 0, even 0·∞ and 0·NaN."""

    def product(*arrays: Array) -> Any:
        return np.einsum(subscripts, *arrays, optimize=optimize)

    return strong_product(product, *operands)


def einsum(*operands: Any, optimize: bool | str | Sequence[Any] = False) -> AnyArray:
    """Return a sum of products over named axes, by Einstein's convention.

    Parameters
    ----------
    *operands
        ``"ij,jk->ik", x, y`` in any form that NumPy accepts: with or without an output, with an
        ellipsis, with a letter that stands twice (a diagonal or a trace), with axes of size 1 that
        broadcast; or ``x, [0, 1], y, [1, 2], [0, 2]``.
    optimize : bool, str or path
        Whether NumPy looks for a good order of three or more operands, and how. The backward pass
        looks for its own.

    Raises
    ------
    ShapeError
        If subscripts and shapes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> ad.grad(lambda x: np.einsum("ii", x))(np.ones((2, 2)))
    array([[1., 0.],
           [0., 1.]])
    """
    if not operands:
        raise TypeError("einsum: no operands; expected subscripts and arrays")
    first = operands[0]
    subscripts, arrays = (
        (first, operands[1:]) if isinstance(first, str) else read_interleaved(operands)
    )
    arrays = [as_array(x) for x in arrays]
    full = write_in_full(subscripts, [tuple(x.shape) for x in arrays])
    path = optimize if isinstance(optimize, (bool, str)) else tuple(optimize)
    terms, output = split_terms(full)
    if len(terms) == 1 and set(terms[0]) == set(output):
        return named_view(arrays[0], subscripts=full)
    return named_product.bind(arrays, {"subscripts": full, "optimize": path})


COMPOSITES = (einsum,)
NUMPY[np.einsum] = einsum
