"""A file of C is tried where there is a compiler: golden vectors run, and its code is measured."""

from __future__ import annotations

import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from .c_source import CODE_SIZE, code_bytes
from .refusal import ExportError

_SECONDS = 300


def tested_and_sized(
    sources: dict[Path, str], sizes: dict[str, int], name: str
) -> tuple[dict[Path, str | bytes], dict[str, int], str]:
    """Return files of C whose golden vectors were compared, and whose header tells the code's size.

    The header comes first.

    Raises
    ------
    ExportError
        If a golden vector differs, or the source does not compile.
    """
    tested = _tested_c(sources, name)
    if (code := _code_size(sources, name)) is not None:
        machine = platform.machine()
        told = f"   Its code takes {code} bytes where a compiler with -Os writes for {machine}."
        header, text = next(iter(sources.items()))
        sources = {**sources, header: text.replace(CODE_SIZE, told, 1)}
        sizes = {**sizes, "code": code}
    return dict(sources), sizes, tested


def _tested_c(files: dict[Path, str], name: str) -> str:
    """Return what a program with the golden vectors says, if there is a compiler."""
    compiler = _compiler()
    if compiler is None:
        return "golden vectors: not run, as there is no C compiler here"
    with tempfile.TemporaryDirectory() as folder:
        source = _put(files, folder)
        program = str(Path(folder) / "golden")
        flags = ["-std=c99", "-O1", "-ffp-contract=off", f"-D{name.upper()}_MAIN"]
        _call([compiler, *flags, "-x", "c", source, "-o", program], folder)
        return f"golden vectors, {Path(compiler).name}: {_call([program], folder)}"


def _compiler() -> str | None:
    return next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)


def _put(files: dict[Path, str], folder: str) -> str:
    """Write a header and a source into a folder; return the source's path."""
    for path, text in files.items():
        (Path(folder) / path.name).write_text(text, "utf-8")
    _, source = files
    return str(Path(folder) / source.name)


def _code_size(files: dict[Path, str], name: str) -> int | None:
    """Return the bytes of the machine code; None if nothing here can tell."""
    compiler, size = _compiler(), shutil.which("size")
    if compiler is None or size is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        flags = ["-std=c99", "-Os", "-ffp-contract=off", "-x", "c"]
        found = str(Path(folder) / f"{name}.o")
        _call([compiler, *flags, "-c", _put(files, folder), "-o", found], folder)
        done = subprocess.run([size, "-A", found], capture_output=True, text=True, check=False)
    return code_bytes(done.stdout) or None


def _call(command: list[str], folder: str) -> str:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ExportError(f"C99: the compiler or program took over {_SECONDS} s") from None
    if done.returncode < 0:
        raise ExportError(
            "C99: the program with the golden vectors was ended by signal "
            f"{-done.returncode}; perhaps its arrays need more stack than there is"
        )
    if done.returncode:
        told = (done.stdout + done.stderr).strip().splitlines() or ["no message"]
        raise ExportError(f"C99: the golden vectors fail: {told[0]}")
    return done.stdout.strip().rpartition(": ")[2]
