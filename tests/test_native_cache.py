"""The cache of object code: found again, checked, private, and never in the way."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("llvmlite")

from adjoint.compiler.native import cache
from adjoint.compiler.native.machine import Machine

TEXT = "define i64 @answer() {\n  ret i64 42\n}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ADJOINT_CACHE", str(tmp_path / "native"))
    monkeypatch.setattr(cache, "_memory", type(cache._memory)())
    return tmp_path / "native"


@pytest.fixture
def translations(monkeypatch):
    """Count how often LLVM is asked."""
    count = []
    original = Machine.assemble

    def assemble(self, text):
        count.append(text)
        return original(self, text)

    monkeypatch.setattr(Machine, "assemble", assemble)
    return count


def forget():
    cache._memory.clear()


def test_code_is_translated_once(folder, translations):
    first = cache.object_code(TEXT)
    assert cache.object_code(TEXT) == first
    forget()
    assert cache.object_code(TEXT) == first
    assert len(translations) == 1


def test_other_text_is_other_code(folder, translations):
    cache.object_code(TEXT)
    cache.object_code(TEXT.replace("42", "43"))
    assert len(translations) == 2


def test_the_folder_is_the_users_alone(folder):
    cache.object_code(TEXT)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [file.suffix for file in folder.iterdir()] == [".o"]


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 500])
def test_a_damaged_file_is_translated_anew(folder, translations, damage):
    code = cache.object_code(TEXT)
    (file,) = folder.iterdir()
    file.write_bytes(damage)
    forget()
    assert cache.object_code(TEXT) == code
    assert len(translations) == 2
    forget()
    cache.object_code(TEXT)
    assert len(translations) == 2


def test_a_truncated_file_is_translated_anew(folder, translations):
    code = cache.object_code(TEXT)
    (file,) = folder.iterdir()
    file.write_bytes(file.read_bytes()[:-20])
    forget()
    assert cache.object_code(TEXT) == code
    assert len(translations) == 2


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions are of another kind here")
def test_a_folder_that_others_may_write_is_not_trusted(folder, translations):
    cache.object_code(TEXT)
    folder.chmod(0o777)
    forget()
    cache.object_code(TEXT)
    assert len(translations) == 2


def test_a_folder_that_cannot_be_is_no_hindrance(folder, translations):
    folder.parent.joinpath("native").write_text("a file")
    assert cache.object_code(TEXT)
    assert len(translations) == 1


def test_an_empty_name_keeps_the_disk_out(folder, monkeypatch):
    monkeypatch.setenv("ADJOINT_CACHE", "")
    cache.object_code(TEXT)
    assert not folder.exists()


def test_old_files_make_room(folder, monkeypatch):
    monkeypatch.setattr(cache, "_ON_DISK", 2)
    for number in range(4):
        cache.object_code(TEXT.replace("42", str(number)))
    assert len(list(folder.iterdir())) == 2


def test_processes_that_write_at_once_all_get_the_same_code(folder):
    script = (
        "import hashlib; from adjoint.compiler.native.cache import object_code; "
        f"print(hashlib.sha256(object_code({TEXT!r})).hexdigest())"
    )
    command = [sys.executable, "-c", script]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = {process.communicate()[0] for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(answers) == 1
    assert [file.suffix for file in folder.iterdir()] == [".o"]


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_no_hindrance(folder):
    folder.mkdir(mode=0o500)
    assert cache.object_code(TEXT)
    assert not list(folder.iterdir())


PROGRAM = """
import sys
import numpy as np
import adjoint as ad
x = np.linspace(0, 1, 300)
sys.stdin.readline()  # until both are here
for n in range(6):
    f = ad.compile(ad.value_and_grad(lambda x, n=n: ad.sum(ad.exp(x * n) * ad.tanh(x))))
    value, slope = f(x)
    print(repr(float(value)), repr(float(slope.sum())))
    assert "tier: native" in f.report(), f.report()
"""


def test_two_processes_compile_at_once_into_one_folder(tmp_path):
    folder = tmp_path / "cache"
    environment = {**os.environ, "ADJOINT_CACHE": str(folder)}
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}

    def run(count):
        processes = [
            subprocess.Popen(command, env=environment, text=True, **pipes) for _ in range(count)
        ]
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        return [process.communicate() for process in processes]

    found = run(2)
    assert [errors for _, errors in found] == ["", ""]
    assert found[0][0] == found[1][0]
    # Every file is whole, none is left over, and a third process reads them.
    files = sorted(folder.iterdir())
    assert len(files) == 6
    assert all(file.suffix == ".o" for file in files)
    before = [file.stat().st_mtime_ns for file in files]
    assert run(1)[0] == found[0]
    assert [file.stat().st_mtime_ns for file in files] == before
