"""A call site is where a node was made: the user's line, and the modules it was within."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from ...core.annotations import Operand, Params
from ...core.node import Node
from ...core.primitive import Primitive
from ...graphs.graph import Graph, trace
from ...graphs.symbol import Symbol
from ...nn.module import Module
from ..derivation.function_at_point import FunctionAtPoint

_PACKAGE = str(Path(__file__).parents[2])
_NUMPY = str(Path(np.__file__).parent)


class ModuleCall(NamedTuple):
    """A call of a module: its path in the outermost one, its class, and which call it was."""

    path: str
    kind: str
    number: int


class CallSite(NamedTuple):
    """A line of the user's, or nothing, and the calls of modules under way, the outermost first."""

    calls: tuple[ModuleCall, ...] = ()
    file: str = ""
    line: int = 0

    @property
    def text(self) -> str:
        """The line as ``file:number: code``."""
        if not self.line:
            return ""
        code = linecache.getline(self.file, self.line).strip()
        return f"{Path(self.file).name}:{self.line}: {code}"


class _CallSites:
    """Notes the call site of every symbol while a function is traced."""

    def __init__(self) -> None:
        self.of: dict[Node, CallSite] = {}
        self._numbers: dict[FrameType, int] = {}
        self._paths: dict[int, dict[int, str]] = {}

    def see(self, node: Node, frame: FrameType | None) -> None:
        """Note where a node was made, given the frame that asked for it."""
        modules: list[tuple[FrameType, Module]] = []
        file, line = "", 0
        # Frames beyond the trace belong to whoever asked for the picture.
        while frame is not None and frame.f_code is not trace.__code__:
            code = frame.f_code
            if code is Module.__call__.__code__:
                modules.append((frame, frame.f_locals["self"]))
            elif not line and not code.co_filename.startswith((_PACKAGE, _NUMPY, "<")):
                file, line = code.co_filename, frame.f_lineno
            frame = frame.f_back
        self.of[node] = CallSite(self._calls(modules[::-1]), file, line)

    def forget_frames(self) -> None:
        """Let the frames go, which hold all that the function had to do with."""
        self._numbers.clear()

    def _calls(self, modules: Sequence[tuple[FrameType, Module]]) -> tuple[ModuleCall, ...]:
        if not modules:
            return ()
        known = self._known(modules[0][1])
        return tuple(
            ModuleCall(
                known.get(id(module), type(module).__name__),
                type(module).__name__,
                self._numbers.setdefault(frame, len(self._numbers)),
            )
            for frame, module in modules
        )

    def _known(self, root: Module) -> dict[int, str]:
        """Return the paths of all modules inside one."""
        if id(root) not in self._paths:
            self._paths[id(root)] = {id(module): path for path, module in root.named_modules()}
        return self._paths[id(root)]


def trace_call_sites(subject: FunctionAtPoint) -> tuple[Graph, dict[Node, CallSite]]:
    """Return the graph of a function at a point, and the call site of each of its nodes."""
    sites = _CallSites()

    class Placed(Symbol):
        """A symbol that tells where it was made."""

        __slots__ = ()

        @classmethod
        def apply(cls, primitive: Primitive, args: Sequence[Operand], params: Params) -> Symbol:
            made = super().apply(primitive, args, params)
            assert made.node is not None
            sites.see(made.node, sys._getframe(1))
            return made

    names, arguments = subject.names, subject.arguments
    function: Callable[..., Any] = subject.function
    try:
        graph = trace(
            function, *subject.args, symbol=Placed, names=names, arguments=arguments, may_act=True
        )
    finally:
        sites.forget_frames()
    return graph, sites.of
