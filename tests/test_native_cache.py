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
