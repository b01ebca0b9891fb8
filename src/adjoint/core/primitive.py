"""A primitive is one operation with everything known about it.

Everything in adjoint is a table: primitives (rows) × interpretations (columns: evaluate, pull back,
push forward, infer, print Python, print LaTeX). A row is a `Primitive`, written as one card in
`ops/`. Binding asks the highest-ranking value among the arguments to apply a primitive; plain
arrays are simply evaluated, so a derivative rule written in primitives serves them all.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any, Self, overload

import numpy as np

from . import advice
from .annotations import ArrayLike, Described, Operand, Params
from .axis import AxisRule, read_axis
from .batching import along_axis, one_by_one
from .facts import Facts
from .links import Rule as LinksRule
from .links import along_axis as linked_along_axis
from .metadata import formula, keyword, keyword_formula, literal, plain
from .operand import PLAINEST, refuse_subclass
from .registry import NUMPY, PRIMITIVES, STRONG
from .spec import Spec
from .value import Value

_NO_FACTS = Facts()


class Analyses:
    """The columns that are read once for many runs; few walks read them.

    They stand apart since CPython looks attributes up faster where there are fewer than thirty.

    Parameters
    ----------
    batch : callable
        ``batch(rows, **params)`` applies it to many rows at once, see `batching`; by default along
        the ``axis`` of its one array, if it has a rule of axes, else to one row after another.
    links : callable, optional
        ``links(out, args, params)`` says which entries of the result depend on which of each
        argument, see `links`; by default those of the same line where it acts along an ``axis``.
    series : callable, optional
        ``series(k, y, args, params)`` gives the coefficient k > 0 of the result's power series, by
        ``y(j)`` of the lower ones and ``args[n](j)`` of the arguments' (None for 0), where the push
        forward takes longer to say it; see `graphs.series`.
    """

    def __init__(
        self,
        batch: Callable[..., Any],
        links: LinksRule | None,
        series: Callable[..., Any] | None,
    ) -> None:
        self.batch, self.links, self.series = batch, links, series


class Trials:
    """What the contract, see `adjoint.contract`, needs to know to try a card.

    Parameters
    ----------
    domain : sequence of pair of float
        Between which numbers each argument is drawn.
    kinks : sequence of float
        Numbers that are not drawn, nor any close by.
    cases : sequence
        Shapes of the arguments, and metadata.
    """

    def __init__(
        self,
        domain: Sequence[tuple[float, float]],
        kinks: Sequence[float],
        cases: Sequence[Any],
    ) -> None:
        self.domain, self.kinks, self.cases = domain, kinks, cases


def _parameters(
    forward: Callable[..., Any],
) -> tuple[bool, tuple[str, ...], tuple[str, ...], dict[str, Any]]:
    """Return whether a function takes any number of arrays, their names, those of metadata, and the
    defaults of these.
    """
    # Off the code: a signature of each card would take a good part of `import adjoint`.
    code = inspect.unwrap(forward).__code__
    count = code.co_argcount
    arrays, params = code.co_varnames[:count], code.co_varnames[count:]
    return (
        bool(code.co_flags & inspect.CO_VARARGS),
        arrays[code.co_posonlyargcount :],
        params[: code.co_kwonlyargcount],
        dict(inspect.unwrap(forward).__kwdefaults__ or {}),
    )


class Primitive:
    """One operation and every column of the table for it.

    Parameters
    ----------
    forward : callable
        ``forward(*arrays, **params)`` in plain NumPy. Its name, signature and docstring are the
        primitive's; positional parameters are arrays, keyword-only ones are metadata.
    kind : str
        How the derivative columns were derived: elementwise, linear, multilinear, reduction,
        general or constant; custom where a user's function brought its rule.
    vjp : callable or None
        ``vjp(g, y, args, params, wanted)`` gives one cotangent for each argument (None where not
        wanted), in the argument's own shape or in one that it broadcasts to. None for a
        constant: its output does not depend smoothly on anything.
    jvp : callable or None
        ``jvp(tangents, y, args, params)`` gives the output's tangent; ``tangents`` has None where
        an argument does not vary.
    infer : callable
        ``infer(*operands, **params)`` gives the output's `Spec`.
    source, latex : str or callable
        Templates over the names of the arguments, see `write_source` and `write_latex`.
    view : {None, "always", "perhaps"}
        Whether NumPy's result would be a view, into which an assignment changes the original; here
        it would be lost, so it is refused. "perhaps" means a view or a copy, depending on how the
        array lies in memory: nobody knows then whether it sees a later change of the original.
    reads_numbers : bool
        Whether a derivative rule reads the arguments' numbers, and not only shapes and dtypes; the
        record of an operation then keeps them, see `constants`.
    helpers : sequence of callable
        NumPy functions that the source calls by name; the forward function is added where the
        source calls it.
    axis : AxisRule, optional
        What it takes as its parameter ``axis``, which is checked before it is applied.
    public : bool
        Whether it is offered as ``adjoint.name``. What only rules and composites are made of is
        not, but its name stays in the registry, where saved graphs look it up.
    facts : Facts
        Statements that hold of its results, whatever the arguments are.
    expand : callable, optional
        ``expand(*operands, **params)`` gives the same value made of other primitives. Native code
        writes the operation so; a card without it needs a native rule of its own.
    plain : str, optional
        The card of a product in which 0·∞ = 0 names the product that it is where there is no such
        term.
    name : str, optional
        By default that of the forward function.
    batch, links, series : see `Analyses`
    domain, kinks, cases : see `Trials`
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        *,
        kind: str,
        vjp: Callable[..., Any] | None,
        jvp: Callable[..., Any] | None,
        infer: Callable[..., Spec],
        source: str | Callable[..., str],
        latex: str | Callable[..., str],
        view: str | None = None,
        domain: Sequence[tuple[float, float]] = ((-2.0, 2.0),),
        kinks: Sequence[float] = (),
        cases: Sequence[Any] = (),
        helpers: Sequence[Callable[..., Any]] = (),
        explain_error: Callable[..., str | None] | None = None,
        reads_numbers: bool = True,
        axis: AxisRule | None = None,
        public: bool = True,
        facts: Facts = _NO_FACTS,
        expand: Callable[..., Any] | None = None,
        plain: str | None = None,
        batch: Callable[..., Any] | None = None,
        name: str | None = None,
        links: LinksRule | None = None,
        series: Callable[..., Any] | None = None,
    ) -> None:
        self.name = self.__name__ = name or forward.__name__
        self.__doc__ = forward.__doc__
        self.__module__ = forward.__module__
        self.__wrapped__ = forward
        self.forward, self.kind, self.vjp, self.jvp, self.infer = forward, kind, vjp, jvp, infer
        self.source, self.latex = source, latex
        self.trials = Trials(domain, kinks, cases)
        self.helpers = tuple(helpers)
        if isinstance(source, str) and source.startswith(f"{self.name}("):
            self.helpers = (*self.helpers, forward)
        self.view = view
        self.reads_numbers = reads_numbers
        self.explain_error = explain_error
        self.axis = axis
        self.public = public
        self.facts = facts
        self.expand, self.plain = expand, plain
        self.variadic, self.array_names, self.param_names, self.defaults = _parameters(forward)
        is_along_axis = axis is not None and len(self.array_names) == 1 and not self.variadic
        batch = batch or (along_axis if is_along_axis else one_by_one)
        if links is None and facts.moves is None and batch is along_axis:
            links = linked_along_axis
        self.analyses = Analyses(batch, links, series)
        self._known_params = frozenset(self.param_names)

    @functools.cached_property
    def __signature__(self) -> inspect.Signature:
        """The forward function's signature."""
        return inspect.signature(self.forward)

    def register(self, *, numpy: Sequence[Callable[..., Any]] = (), method: bool = False) -> Self:
        """Enter the table: make it known by name, to NumPy's functions, and as a method."""
        if self.name in PRIMITIVES:
            raise ValueError(f"a primitive named {self.name!r} is registered already")
        PRIMITIVES[self.name] = self
        if self.plain is not None:
            STRONG[self.plain] = self
        NUMPY.update(dict.fromkeys(numpy, self))
        if method:
            setattr(Value, self.name, self)
        return self

    def __call__(self, *args: Any, **params: object) -> Any:
        """Apply the primitive; plain arrays give a plain array, values a value.

        Arrays come first, or as one list where there may be any number; metadata may be given by
        position or by name.
        """
        if params or self.param_names or len(args) > len(self.array_names):
            args, params = self._arrange(args, params)
            if self.axis is not None and params["axis"] is not None:
                params["axis"] = self.read_axis(args[0], params["axis"])
        return self.bind(args, params)

    def bind(self, args: Sequence[Operand], params: Params) -> Any:
        """Apply to arrays, or let the highest-ranking value among the arguments do it."""
        for arg in args:
            if type(arg) in PLAINEST:
                continue
            if isinstance(arg, Value):
                return arg.bind(self, args, params)
            refuse_subclass(arg)
        return self.forward(*args, **params) if params else self.forward(*args)

    def _arrange(self, args: tuple[Any, ...], params: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Sort arguments into arrays and complete metadata, positions and names being free."""
        if len(args) <= len(self.array_names) and params.keys() <= self._known_params:
            return args, self.defaults | params
        # A primitive of nothing but arrays takes them as one list, as NumPy's functions do.
        if self.variadic and not self.array_names:
            args, rest = tuple(args[0]), args[1:]
        else:
            arity = len(args) if self.variadic else len(self.array_names)
            args, rest = args[:arity], args[arity:]
        if len(rest) > len(self.param_names):
            raise TypeError(f"{self.usage}: {len(rest)} arguments too many")
        params = {**dict(zip(self.param_names, rest, strict=False)), **params}
        if params.keys() <= self._known_params:
            return args, self.defaults | params
        unknown = [name for name in params if name not in self.__signature__.parameters]
        if unknown:
            raise TypeError(
                f"{self.name}: got an unknown keyword argument {unknown[0]!r}; "
                f"{advice.on_call(f'numpy.{self.name}', unknown)}"
                f"the signature is {self.usage}"
            )
        bound = self.__signature__.bind(*args, **params)
        bound.apply_defaults()
        return bound.args, bound.kwargs

    def read_axis(self, x: Described | ArrayLike, axis: object) -> Any:
        """Return the parameter ``axis`` as Python's integers, checked if the card has a rule."""
        if self.axis is None:
            return axis
        shape = x.shape if hasattr(x, "shape") else np.shape(x)
        return read_axis(self.name, axis, shape, self.axis)

    @property
    def usage(self) -> str:
        """The name and the parameters, as a caller reads them: without annotations."""
        empty = inspect.Parameter.empty
        parameters = self.__signature__.parameters.values()
        plain = [parameter.replace(annotation=empty) for parameter in parameters]
        return f"{self.name}{inspect.Signature(plain)}"

    @overload
    def __get__(self, instance: Value, owner: type | None = None) -> MethodType: ...

    @overload
    def __get__(self, instance: object, owner: type | None = None) -> Self: ...

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<{self.kind} primitive {self.usage}>"

    def __reduce__(self) -> str:
        return self.name

    def write_source(self, *names: str, **params: object) -> str:
        """Return the NumPy expression of this primitive applied to expressions ``names``.

        In a template ``{x}`` is an argument's name, ``{args}`` all of them and ``{params}`` the
        metadata that has no place of its own and differs from its default, each with a comma
        before it.

        Raises
        ------
        NotImplementedError
            If some of the metadata has no text.
        """
        params = {name: plain(value) for name, value in params.items()}
        if callable(self.source):
            return self.source(*names, **params)
        return self._filled(self.source, names, params, literal, keyword)

    def write_latex(self, *names: str, **params: object) -> str:
        """Return the formula of this primitive applied to formulas ``names``.

        The template is as that of `write_source`; metadata is written as LaTeX. Operands stand in
        it without brackets: `derivation.brackets` adds those that their operators need.
        """
        params = {name: plain(value) for name, value in params.items()}
        if callable(self.latex):
            return self.latex(*names, **params)
        return self._filled(self.latex, names, params, formula, keyword_formula)

    def _filled(
        self,
        template: str,
        names: Sequence[str],
        params: Params,
        write: Callable[[Any], str],
        write_keyword: Callable[[str, Any], str],
    ) -> str:
        """Return a template with texts in its places; metadata that has no place needs no text."""
        places = dict(zip(self.array_names, names, strict=False)) | {"args": ", ".join(names)}
        placed = {name: write(x) for name, x in params.items() if f"{{{name}}}" in template}
        if "{params}" in template:
            places["params"] = "".join(
                f", {write_keyword(name, x)}"
                for name, x in params.items()
                if name not in placed and (name not in self.defaults or self.defaults[name] != x)
            )
        return template.format(**places, **placed)
