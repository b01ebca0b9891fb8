"""A function of a module is a graph as native code, under a name of its own in the module."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...compiler.native.arrays.strided_view import ENTRY_BYTES
from ...compiler.native.entries import kind_of
from ...compiler.native.function import MOST_UNROLLED
from ...compiler.native.function_code import write_function
from ...compiler.native.lanes import Names
from ...compiler.native.unlowerable import Unlowerable
from ...compiler.native.unrolled_code import FunctionCode
from ...compiler.simplify.rewrites import Build
from ...compiler.simplify.simplify import simplify
from ...core.annotations import Params
from ...graphs.graph import Graph
from ..refusal import ExportError
from .machine import TARGET

# Arrays are known by their addresses, so that whoever calls gives no arguments.
_FIXED = """
define i32 @{name}() #0 {{
  call void @evaluate.{name}({pointers})
  %byte = load i8, ptr inttoptr (i32 {flag} to ptr)
  %flag = zext i8 %byte to i32
  ret i32 %flag
}}
"""
_OPEN = """
define i32 @{name}({parameters}, ptr %workspace) #0 {{
entry:
  %flag.at = alloca i8
  call void @evaluate.{name}({pointers}, ptr %flag.at, ptr %workspace)
  %byte = load i8, ptr %flag.at
  %flag = zext i8 %byte to i32
  ret i32 %flag
}}
"""


@dataclass(frozen=True)
class Function:
    """A graph's code, whose names occur in no other function of the module.

    Attributes
    ----------
    name : str
        What enters it: it returns 1 if a result is in doubt, and 0 otherwise.
    code : FunctionCode
    texts : tuple of str
    arrays : int
        How many arrays come in and go out.
    """

    name: str
    code: FunctionCode
    texts: tuple[str, ...]
    arrays: int

    @property
    def names(self) -> Sequence[Names]:
        """The names that the code declares."""
        return self.code.names

    def with_addresses(self, addresses: Sequence[int], flag: int, workspace: int) -> list[str]:
        """Return the texts, of which the last enters the function without arguments."""
        places = [*addresses, flag, workspace]
        pointers = ", ".join(f"ptr inttoptr (i32 {at} to ptr)" for at in places)
        return [*self.texts, _FIXED.format(name=self.name, pointers=pointers, flag=flag)]

    def with_parameters(self) -> list[str]:
        """Return the texts, of which the last takes the addresses, and that of the workspace."""
        parameters = ", ".join(f"ptr %array{n}" for n in range(self.arrays))
        return [
            *self.texts,
            _OPEN.format(name=self.name, parameters=parameters, pointers=parameters),
        ]


def function_of(graph: Graph, name: str) -> Function:
    """Return a graph as a function.

    Raises
    ------
    ExportError
        If an operation has no native code, which is named.
    """
    try:
        graph = simplify(graph, expansions={"astype": _whole})
        code = write_function(graph, target=TARGET, limit=MOST_UNROLLED)
    except Unlowerable as reason:
        raise ExportError(f"WebAssembly: {reason}; use --to py, or write it in others") from None
    own = set(re.findall(r"^define [^@\n]*@([\w.]+)\(", "\n".join(code.functions), re.MULTILINE))

    def renamed(found: re.Match[str]) -> str:
        return f"{found[0]}.{name}" if found[1] in own else found[0]

    texts = tuple(re.sub(r"@([\w.]+)", renamed, text) for text in code.functions)
    return Function(name, code, texts, len(graph.inputs) + len(graph.outputs))


def _whole(args: Sequence[Any], params: Params, build: Build) -> Any:
    """Cut the decimals off, bit by bit; what no integer is near becomes the least one, as in C.

    Native code refuses it, since processors differ in that; a module has one processor.
    """
    (x,), dtype = args, np.dtype(params["dtype"])
    if x.dtype.kind != "f" or dtype.kind != "i":
        return None
    bits = 8 * dtype.itemsize - 1
    rest, whole = build("absolute", x), np.zeros((), dtype)
    for bit in reversed(range(bits)):
        has = build("greater_equal", rest, x.dtype.type(2.0**bit))
        rest = build("where", has, build("subtract", rest, x.dtype.type(2.0**bit)), rest)
        whole = build("add", whole, build("where", has, dtype.type(2**bit), dtype.type(0)))
    signed = build("where", build("less", x, x.dtype.type(0)), build("negative", whole), whole)
    is_less = build("less", build("absolute", x), x.dtype.type(2.0**bits))
    return build("where", is_less, signed, np.array(-(2**bits), dtype))


def bytes_of(shape: Sequence[int], kind: str) -> int:
    """Return how many bytes an array takes."""
    size = ENTRY_BYTES[kind]
    for count in shape:
        size *= count
    return size


def kind_in_memory(dtype: Any) -> str:
    """Return the kind of a dtype, or refuse one that native code does not have."""
    try:
        return kind_of(dtype)
    except Unlowerable as reason:
        raise ExportError(f"WebAssembly: {reason}") from None
