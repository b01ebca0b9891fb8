"""The command `adjoint export`: a model as a file that needs no adjoint."""

from __future__ import annotations

from pathlib import Path

import click

from ...files.rescue import check_file_place
from ..model_output import load_model
from ..options import check_out
from ..terminal import note


@click.command(short_help="Write a model as a file that needs no adjoint.")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--to", type=click.Choice(["py", "c", "wasm", "html", "onnx"]), help="[default: as --out ends]"
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The file to write.")
@click.option(
    "--name", help="What its function is called, in py, c and onnx.  [default: as the file]"
)
def export(model: Path, to: str | None, out: Path, name: str | None) -> int:
    """Write the model in the folder MODEL as a file that predicts rows without adjoint.

    \b
    py    one file that needs NumPy alone
    c     C99 that needs no library: a row is a struct
    wasm  WebAssembly and a module of JavaScript: a row is an object
    html  a page with a form for a row, where others can be pasted
    onnx  a graph with an input for each column: numbers, texts, and dates as
          microseconds; it needs the extra `onnx`

    All but onnx have the rules by which the table was read: numbers and
    units, missing values, categories, dates. wasm and html need the extra
    `native` here, and nothing where they run.

    The file is tested with golden vectors before it is written. The weights alone are in MODEL
    already, as safetensors, which many libraries read.
    """
    check_out(check_file_place, out)
    found = load_model(model)
    from ...exporting.exported import export as write
    from ...exporting.refusal import ExportError

    try:
        done = write(found, out, to=to, name=name)
    except ExportError as error:
        raise click.UsageError(str(error).removeprefix("export: ")) from None
    note(str(done))
    return 0
