"""A lane loop applies one instruction of the native tier to arrays, vector by vector."""

import ctypes
import functools

import numpy as np

from adjoint.compiler.native.formats import SIZES
from adjoint.compiler.native.instructions import INSTRUCTIONS
from adjoint.compiler.native.lanes import Block, Names, declarations
from adjoint.compiler.native.machine import ATTRIBUTES, Library, this_machine

DTYPES = {"f64": np.float64, "f32": np.float32, "i64": np.int64, "i32": np.int32}
_LOOP = """
{declared}
define void @apply({parameters}, i64 %n) #0 {{
entry:
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%next, %loop]
{body}
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %end
end:
  ret void
}}
{attributes}
"""


@functools.cache
def vectorised(name, kinds, width):
    """Return an instruction as a function of arrays.

    Its attribute ``prepared(y, *xs)`` is a call without arguments that writes to y, from arrays of
    whole vectors.

    Parameters
    ----------
    name : str
    kinds : tuple of str
        The kinds of the arguments.
    width : int
        Number of lanes.
    """
    block = Block(width, Names(target=this_machine().target))
    args = [_load(block, f"%x{i}", kind) for i, kind in enumerate(kinds)]
    result = INSTRUCTIONS[name](*args)
    result = result.convert("zext", "i32") if result.kind == "i1" else result
    at = _address(block, "%y", result.kind)
    block.lines.append(f"  store {result.typed()}, ptr {at}, align {SIZES[result.kind]}")
    text = _LOOP.format(
        declared=declarations([block.names]),
        parameters=", ".join([*(f"ptr %x{i}" for i in range(len(kinds))), "ptr %y"]),
        body="\n".join(block.lines),
        attributes=ATTRIBUTES,
    )
    library = Library(this_machine().assemble(text), ["apply"])
    pointers = [ctypes.c_void_p] * (len(kinds) + 1)
    call = library.function("apply", None, *pointers, ctypes.c_int64)

    def prepared(y, *xs):
        given = [ctypes.c_void_p(array.ctypes.data) for array in (*xs, y)]
        return functools.partial(call, *given, ctypes.c_int64(y.size // width))

    def apply(*xs):
        count = -(-xs[0].size // width) * width
        padded = [np.resize(x, count).astype(DTYPES[k]) for x, k in zip(xs, kinds, strict=True)]
        y = np.empty(count, DTYPES[result.kind])
        prepared(y, *padded)()
        return y[: xs[0].size]

    apply.library = library  # it must live as long as the function
    apply.prepared = prepared
    return apply


def _load(block, pointer, kind):
    vector = block.type_of(kind)
    at = _address(block, pointer, kind)
    return block.write(f"load {vector}, ptr {at}, align {SIZES[kind]}", kind)


def _address(block, pointer, kind):
    name = block.names.fresh()
    block.lines.append(f"  {name} = getelementptr {block.type_of(kind)}, ptr {pointer}, i64 %i")
    return name
