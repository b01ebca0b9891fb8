"""A copy of the project, where faults are planted and tests run: the checkout is never changed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info")
PACKAGE = "src/adjoint"


class Tree:
    """A copy of the project in a folder.

    Parameters
    ----------
    folder : Path
        Where the copy is made; it must not exist.
    root : Path
        What is copied.
    """

    def __init__(self, folder: Path, root: Path = ROOT):
        self.folder = folder
        self.clock = 1_000_000_000
        self.process: subprocess.Popen | None = None
        shutil.copytree(root, folder, ignore=LEFT_OUT)

    @contextlib.contextmanager
    def planted(self, mutant):
        """Hold a fault in the copy while a block runs."""
        path = self.folder / PACKAGE / mutant.file
        text = path.read_text(encoding="utf-8")
        self._write(path, mutant.planted(text))
        try:
            yield
        finally:
            self._write(path, text)

    def _write(self, path, text):
        """Write a file with a date of its own: Python knows by date and size what it compiled."""
        path.write_text(text, encoding="utf-8")
        self.clock += 1
        os.utime(path, (self.clock, self.clock))

    def run(self, module: str, *arguments: str, seconds: float) -> int | None:
        """Run one of our modules in the copy and return its exit code, or None if it is late."""
        self.process = process = subprocess.Popen(
            [sys.executable, "-m", f"tests.mutants.{module}", *arguments],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(self.folder / "src"), "MPLBACKEND": "Agg"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            self.stop()
            process.wait()

    def stop(self) -> None:
        """End what runs in the copy, and whatever that has started: it would slow the next."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


class Trees:
    """Some copies of the project, in each of which one thing is done at a time.

    Parameters
    ----------
    folder : Path
        Where the copies are made.
    count : int
    root : Path
        What is copied.
    """

    def __init__(self, folder: Path, count: int, root: Path = ROOT):
        self.all = [Tree(folder / str(number), root) for number in range(count)]
        self.idle: SimpleQueue[Tree] = SimpleQueue()
        for tree in self.all:
            self.idle.put(tree)

    def each(self, work, items):
        """Call ``work(tree, item)`` for all items, and yield what is returned as it is ready."""
        with ThreadPoolExecutor(len(self.all)) as pool:
            pending = [pool.submit(self._lend, work, item) for item in items]
            try:
                for done in as_completed(pending):
                    yield done.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for tree in self.all:
                    tree.stop()
                raise

    def _lend(self, work, item):
        tree = self.idle.get()
        try:
            return work(tree, item)
        finally:
            self.idle.put(tree)
