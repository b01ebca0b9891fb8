"""A training on another processor, which is emulated: `fit` runs here, and its epochs run there."""

import shutil
import subprocess
from contextlib import contextmanager

import numpy as np
import pytest

from adjoint.compiler.native.epoch_loop import EpochLoop
from adjoint.compiler.native.epoch_record import AHEAD, KEPT, WORDS
from adjoint.compiler.native.machine import machine_elsewhere
from adjoint.compiler.native.target import Target
from adjoint.compiler.native.training_code import compile_training

# What each is emulated and linked by: a triple, LLVM's name of a processor, and its registers.
PROCESSORS = {
    "aarch64": ("aarch64-linux-gnu", "cortex-a72", Target(16, 32)),
    "riscv64": ("riscv64-linux-gnu", "sifive-u74", Target(8, 32)),
}

_MAIN = """
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

void train(void *record, void *states, void *settings, void *order, void *numbers, void *table,
           {declared}, void *held, void *workspace,
           int64_t n, int64_t key, int64_t shuffled, int64_t until);

static int64_t sizes[64];
static void *blocks[64];

int main(int count, char **words) {{
  FILE *file = fopen(words[1], "rb");
  int64_t number, i, *scalars, *held, *record;
  if (count != 3 || !file || fread(&number, 8, 1, file) != 1) return 1;
  for (i = 0; i < number; ++i) {{
    if (fread(&sizes[i], 8, 1, file) != 1) return 2;
    /* The last turn of a loop may read beyond the rows. */
    blocks[i] = aligned_alloc(64, (sizes[i] / 64 + 2) * 64);
    if (fread(blocks[i], 1, sizes[i], file) != (size_t)sizes[i]) return 3;
  }}
  fclose(file);
  scalars = blocks[0];
  record = blocks[1];
  held = blocks[{held}];
  if (sizes[{kept}]) record[{KEPT}] = (int64_t)blocks[{kept}];
  if (sizes[{words}]) record[{WORDS}] = (int64_t)blocks[{words}];
  record[{AHEAD}] = (int64_t)blocks[{ahead}];
  held[0] = (int64_t)blocks[{held_order}];
  for (i = 0; i < {held_arrays}; ++i) held[2 + i] = (int64_t)blocks[{held_order} + 1 + i];
  train(blocks[1], blocks[2], blocks[3], blocks[4], blocks[5], blocks[6], {given},
        held, blocks[{workspace}], scalars[0], scalars[1], scalars[2], scalars[3]);
  file = fopen(words[2], "wb");
  for (i = 0; i < number; ++i) fwrite(blocks[i], 1, sizes[i], file);
  return fclose(file);
}}
"""


@contextmanager
def emulating(name, folder):
    """Let the epochs of every training inside the ``with`` block run on an emulated processor."""
    triple, cpu, target = PROCESSORS[name]
    compiler, emulator = f"{triple}-gcc", f"qemu-{name}"
    for tool in (compiler, emulator):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    features = "+m,+a,+f,+d,+c" if name == "riscv64" else ""
    machine = machine_elsewhere(triple, target.reproducible(), cpu=cpu, features=features)

    def run(loop, until, *, steps, patience=None):
        # Python's clock makes turns shorter if they take long, as to start an emulator does.
        steps = loop.steps_until(until) if loop.settings.ndim == 1 else steps
        loop._train = lambda *args: _run_there(loop, args[-4:], machine, compiler, emulator, folder)
        return own(loop, until, steps=steps, patience=patience)

    own = EpochLoop.run
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EpochLoop, "run", run)
        yield


def _run_there(loop, scalars, machine, compiler, emulator, folder):
    """Run a turn of a training: hand over what it reads, and take back what it wrote."""
    code = loop.code
    made = compile_training(
        code.step, code.form, tail=code.tail, held=code.held, machine=machine
    ).steps
    assert tuple(made.layout) == tuple(code.steps.layout)
    workspace = np.zeros(made.workspace, np.uint8)
    for at, constant in made.constants:
        workspace[at : at + constant.nbytes] = np.frombuffer(constant.tobytes(), np.uint8)
    kept = loop._kept if loop._record[KEPT] else loop._kept[:0]
    words = np.zeros(0, np.uint32) if loop._words is None else loop._words
    blocks = [
        np.array(scalars, np.int64),
        loop._record,
        loop._states,
        np.ascontiguousarray(loop.settings, loop._states.dtype),
        loop._order,
        loop._numbers,
        loop.table,
        *loop._data,
        loop._held_table.copy(),
        loop._held_order,
        *loop._held,
        workspace,
        kept,
        words,
        loop._ahead,
    ]
    program = folder / "training"
    if not program.exists():
        _link(program, made.code, loop, compiler)
    given, taken = folder / "given.bin", folder / "taken.bin"
    sizes = [np.int64(len(blocks)).tobytes()]
    given.write_bytes(
        b"".join([*sizes, *(np.int64(b.nbytes).tobytes() + b.tobytes() for b in blocks)])
    )
    subprocess.run([emulator, program, given, taken], check=True)
    content, at = taken.read_bytes(), 0
    pointers = loop._record[[KEPT, WORDS, AHEAD]].copy()
    for block in blocks:
        found = np.frombuffer(content, block.dtype, block.size, at).reshape(block.shape)
        block[...] = found
        at += block.nbytes
    loop._record[[KEPT, WORDS, AHEAD]] = pointers


def _link(program, code, loop, compiler):
    data, first = len(loop._data), 7
    held = first + data
    workspace = held + 2 + len(loop._held)
    text = _MAIN.format(
        declared=", ".join(f"void *d{i}" for i in range(data)),
        given=", ".join(f"blocks[{first + i}]" for i in range(data)),
        held=held,
        held_order=held + 1,
        held_arrays=len(loop._held),
        workspace=workspace,
        kept=workspace + 1,
        words=workspace + 2,
        ahead=workspace + 3,
        KEPT=KEPT,
        WORDS=WORDS,
        AHEAD=AHEAD,
    )
    source, made = program.with_suffix(".c"), program.with_suffix(".o")
    source.write_text(text)
    made.write_bytes(code)
    subprocess.run([compiler, "-O1", "-static", source, made, "-lm", "-o", program], check=True)
