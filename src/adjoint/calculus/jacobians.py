"""A Jacobian is all partial derivatives of a function: one recording, many sweeps."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Cotangent, DType, Function, Operand, Shape, Tree
from ..core.node import Node
from ..core.operand import as_operand
from ..core.tree import filled, present
from ..core.value import Value
from ..errors import choose, require
from ..graphs.sweep import push_forward, reachable
from ..graphs.tensor import Tensor
from ..ops.structural import concatenate, stack
from .derivatives import (
    Record,
    cotangents,
    grad,
    is_one_number,
    jvp,
    one_name_for,
    read_argnums,
    rebuild,
    record_run,
    zeros_of,
)

if TYPE_CHECKING:
    from .sparse import Blocks


def jacobian(
    function: Function,
    argnums: int | Sequence[int] | None = None,
    *,
    wrt: int | Sequence[int] | None = None,
    mode: str = "auto",
    sparse: bool = False,
) -> Function:
    """Return a function that gives all partial derivatives of ``function``'s results.

    The function is recorded once; then one sweep for each entry of the results (reverse) or of the
    arguments (forward), many of them at once, see `vmap`. With ``sparse`` one sweep finds all
    columns, or rows, that have no place in common.

    Parameters
    ----------
    function : callable
        Returns an array or a tree of arrays.
    argnums : int or sequence of int, optional
        By which arguments, which may be trees; by default the first.
    wrt : int or sequence of int, optional
        Another name for ``argnums``, as `explain`, `draw` and `why` have it.
    mode : {"auto", "forward", "reverse"}
        "auto" takes the one with fewer sweeps; where ``sparse``, some in each if that are fewer.
    sparse : bool
        Whether to give ``scipy.sparse`` arrays, which hold only the entries that may be other than
        0. Which these are is found on the record of the run and kept for all calls that do the
        same operations, whatever the numbers.

    Returns
    -------
    callable
        For one result y and one argument x the array ∂y/∂x, of shape ``y.shape + x.shape``. For a
        tree of results, the same tree of those, with None where it has None; each argument's tree
        stands inside. With ``sparse`` each array is a ``scipy.sparse.csr_array`` of shape
        ``(y.size, x.size)``.

    Raises
    ------
    ImportError
        If ``sparse`` is asked for and SciPy is not installed.
    TypeError
        When called, if an argument is not of floats; if a sparse derivative is called on traced
        values, or to be differentiated.
    ValueError
        When called, if a sparse derivative has so many entries that it is none.

    Notes
    -----
    The pattern of a sparse derivative is that of the operations, not of their numbers: an entry
    that happens to be 0 is stored. Both branches of `where` count, all of a row of a matrix
    product, and all entries that a sum, a maximum or a ``cumsum`` goes over. Each result of a
    function with rules of your own is taken to depend on all of its arguments. A branch of Python's
    own counts as it was taken; if a later call takes the other one, the pattern is found again.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> ad.jacobian(lambda x: x * x[::-1])(np.array([2.0, 3.0]))
    array([[3., 2.],
           [3., 2.]])

    Each result depends on two entries of a thousand, so that two sweeps are enough:

    >>> slopes = ad.jacobian(lambda x: x[1:] * x[:-1], sparse=True)(np.arange(1000.0))
    >>> slopes.shape, slopes.nnz, float(slopes[7, 8])
    ((999, 1000), 1998, 7.0)
    """
    choose("mode", mode, _JACOBIANS)
    blocks = _blocks(mode) if sparse else None
    chosen, called = one_name_for(argnums, wrt)

    @functools.wraps(function)
    def matrix(*args: Tree, **kwargs: object) -> Any:
        numbers = read_argnums(chosen, len(args), called=called)
        record = record_run(function, args, kwargs, numbers)
        outputs = [_as_value(leaf) for leaf in present(record.result)]
        if blocks is None:
            exposed = [record.expose(row) for row in _JACOBIANS[mode](record, outputs)]
        else:
            exposed = _sparse_jacobian(record, outputs, blocks)
        found = [tuple(rebuild(args, numbers, row)) for row in exposed]
        return filled(record.result, [row[0] for row in found] if is_one_number(chosen) else found)

    return matrix


def _as_value(output: Operand) -> Value:
    return output if isinstance(output, Value) else Tensor(np.asarray(as_operand(output)), None)


# A sweep over symbols costs some ten plain ones, and is then done for as many rows as there are.
_FEW, _MOST = 24, 128
# Sweeps over as many entries are as fast one after another, and take less memory.
_LARGE = 2**20


def _swept(
    value: Value,
    sweep: Callable[[Any], list[Any]],
    shapes: Sequence[Shape],
    is_opaque: bool,
) -> list[Any]:
    """Return the results of a sweep for the unit array of each entry of a value, as rows.

    Parameters
    ----------
    value : Value
    sweep : callable
        Takes a unit array, of the value's shape and dtype, and returns a list of arrays.
    shapes : sequence of shape
        Those of the arrays in one row.
    is_opaque : bool
        Whether the sweep calls rules of the user's own, which may want numbers and not symbols.
    """
    if is_opaque or value.size < _FEW:
        units = (_units(value, n, n + 1)[0] for n in range(value.size))
        return _one_by_one(sweep, units, shapes, value.dtype)
    parts = [
        _at_once(sweep, _units(value, start, min(start + _MOST, value.size)))
        for start in range(0, value.size, _MOST)
    ]
    return [concatenate(list(column)) for column in zip(*parts, strict=True)]


def _one_by_one(
    sweep: Callable[[Any], list[Any]],
    directions: Iterable[Any],
    shapes: Sequence[Shape],
    dtype: DType,
) -> list[Any]:
    """Return the results of a sweep for each of several directions, as rows."""
    found = [sweep(direction) for direction in directions]
    columns = list(zip(*found, strict=True)) or [() for _ in shapes]
    return [_piled(c, (len(found), *s), dtype) for c, s in zip(columns, shapes, strict=True)]


def _at_once(sweep: Callable[[Any], list[Any]], directions: Any) -> list[Any]:
    """Return the same of one sweep for all of the directions."""
    from ..graphs.vmap import vmap  # here: `import adjoint` does without it

    return list(vmap(sweep)(directions))


def _has_users_rules(outputs: Sequence[Value]) -> bool:
    nodes = reachable(output.node for output in outputs if output.node is not None)
    return any(node.primitive is not None and node.primitive.kind == "custom" for node in nodes)


def _units(value: Value, start: int, stop: int) -> Any:
    """Return the unit arrays of some entries of a value, in rows."""
    units = np.zeros((stop - start, value.size), value.dtype)
    units[np.arange(stop - start), np.arange(start, stop)] = 1
    return units.reshape((stop - start, *value.shape))


def _reverse_jacobian(record: Record, outputs: Sequence[Value]) -> list[list[Any]]:
    """One pull back for each entry of each output gives a row of every block."""
    shapes = [value.shape for value in record.inputs]
    is_opaque = _has_users_rules(outputs)
    blocks = []
    for output in outputs:
        node = output.node

        def sweep(unit: Any, node: Node | None = node) -> list[Any]:
            return cotangents(record, {} if node is None else {node: unit})

        rows = _swept(output, sweep, shapes, is_opaque)
        blocks.append([r.reshape(output.shape + s) for r, s in zip(rows, shapes, strict=True)])
    return blocks


def _forward_jacobian(record: Record, outputs: Sequence[Value]) -> list[list[Any]]:
    """One push forward for each entry of each input gives a column of every block."""
    shapes = [output.shape for output in outputs]
    is_opaque = _has_users_rules(outputs)
    blocks = []
    for value in record.inputs:
        assert value.node is not None
        node = value.node

        def sweep(unit: Any, node: Node = node) -> list[Any]:
            return _tangents(record, {node: unit}, outputs)

        columns = _swept(value, sweep, shapes, is_opaque)
        piled = [c.reshape(value.shape + s) for c, s in zip(columns, shapes, strict=True)]
        blocks.append([_axes_last(p, value.ndim) for p in piled])
    return [[block[n] for block in blocks] for n in range(len(outputs))]


def _tangents(record: Record, seeds: dict[Node, Any], outputs: Sequence[Value]) -> list[Any]:
    nodes = [output.node for output in outputs if output.node is not None]
    moved = push_forward(seeds, nodes, lift=record.lift)
    return [
        zeros_of(output) if output.node not in moved else moved[output.node] for output in outputs
    ]


def _cheapest_jacobian(record: Record, outputs: Sequence[Value]) -> list[list[Any]]:
    # A sweep costs about the same in both directions, so fewer sweeps are cheaper.
    rows = sum(output.size for output in outputs)
    columns = sum(value.size for value in record.inputs)
    return (_reverse_jacobian if rows <= columns else _forward_jacobian)(record, outputs)


_JACOBIANS = {
    "auto": _cheapest_jacobian,
    "forward": _forward_jacobian,
    "reverse": _reverse_jacobian,
}


def _piled(parts: Sequence[Any], shape: Shape, dtype: DType) -> Any:
    return stack(list(parts)).reshape(shape) if parts else np.zeros(shape, dtype)


def _axes_last(block: Cotangent, count: int) -> Any:
    """Move the first ``count`` axes behind the others."""
    return block.transpose((*range(count, block.ndim), *range(count)))


def _blocks(mode: str) -> Blocks:
    require("scipy.sparse", extra="native", purpose="a sparse derivative")
    from .sparse import Blocks  # here: `import adjoint` does without SciPy

    return Blocks(mode)


def _sparse_jacobian(record: Record, outputs: Sequence[Value], blocks: Blocks) -> list[list[Any]]:
    """One sweep for each colour of the columns, or rows, of a block finds the entries of it."""
    from .sparse import entries, refuse_nested

    refuse_nested(record)
    is_opaque = _has_users_rules(outputs)

    def along(sweep: Callable[[Any], Any], start: Value, end: Value, directions: Any) -> Any:
        count = len(directions)
        units = directions.reshape((count, *start.shape))
        if is_opaque or count < _FEW or count * max(start.size, end.size) >= _LARGE:
            found = _one_by_one(lambda unit: [sweep(unit)], units, [end.shape], units.dtype)
        else:
            found = _at_once(lambda unit: [sweep(unit)], units)
        return np.asarray(found[0]).reshape((count, end.size))

    def block(x: Value, y: Value, known: Any) -> Any:
        alone = record._replace(inputs=[x])

        def push(unit: Any) -> Any:
            return _tangents(alone, {} if x.node is None else {x.node: unit}, [y])[0]

        def pull(unit: Any) -> Any:
            return cotangents(alone, {} if y.node is None else {y.node: unit})[0]

        return entries(
            known,
            x,
            y,
            functools.partial(along, push, x, y),
            functools.partial(along, pull, y, x),
        )

    found = blocks.of(record.inputs, outputs)
    return [
        [block(x, y, known) for x, known in zip(record.inputs, row, strict=True)]
        for y, row in zip(outputs, found, strict=True)
    ]


def hessian(
    function: Function,
    argnums: int | Sequence[int] | None = None,
    *,
    wrt: int | Sequence[int] | None = None,
    sparse: bool = False,
) -> Function:
    """Return a function that gives the matrix of second derivatives of a scalar function.

    The Jacobian of the gradient, see `jacobian`: for one argument x an array of shape
    ``x.shape + x.shape``, or with ``sparse`` a ``scipy.sparse.csr_array`` of shape
    ``(x.size, x.size)``, as ``scipy.optimize.minimize(..., method="trust-constr", hess=...)``
    takes. ``argnums`` and ``wrt`` are those of `grad`.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> ad.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
    array([[6., 2.],
           [2., 0.]])

    A sum of terms that each depend on two neighbours, of ten thousand variables:

    >>> H = ad.hessian(lambda x: np.sum((x[1:] - x[:-1] ** 2) ** 2), sparse=True)(np.ones(10**4))
    >>> H.shape, H.nnz
    ((10000, 10000), 29998)
    """
    return jacobian(grad(function, argnums, wrt=wrt), argnums, wrt=wrt, sparse=sparse)


def hvp(function: Function) -> Function:
    """Return a function of (x, v, *args) that gives the Hessian of ``function(x, *args)`` times v.

    Forward over reverse: the cost of a few gradients, whatever the size of x. It serves as
    ``scipy.optimize.minimize(..., hessp=...)``.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> ad.hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    gradient = grad(function)

    @functools.wraps(function)
    def product(x: Operand, v: Operand, *args: Tree) -> Any:
        return jvp(lambda moved: gradient(moved, *args), (x,), (v,))[1]

    return product
