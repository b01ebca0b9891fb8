"""The cache of object code: found again, checked, private, and never in the way."""

import os
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

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


OTHER = TEXT.replace("42", "43")


def test_code_of_another_key_is_not_taken_for_that_of_this_one(folder, translations):
    code, other = cache.object_code(TEXT), cache.object_code(OTHER)
    first, second = folder.iterdir()
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    forget()
    assert (cache.object_code(TEXT), cache.object_code(OTHER)) == (code, other)
    assert len(translations) == 4
    forget()
    cache.object_code(TEXT)
    assert len(translations) == 4


def only_file(folder):
    (file,) = folder.iterdir()
    return file


def others_may_write(file):
    file.chmod(0o666)


def group_may_write(file):
    file.chmod(0o620)


def link(file):
    file.rename(file.parent.parent / "elsewhere")
    file.symlink_to(file.parent.parent / "elsewhere")


def dangling_link(file):
    file.unlink()
    file.symlink_to(file.parent.parent / "elsewhere")


def pipe(file):
    file.unlink()
    os.mkfifo(file)


def socket_file(file):
    file.unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(file))  # a path of a socket must be short


TRAPS = [others_may_write, group_may_write, link, dangling_link, pipe, socket_file]


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions are of another kind here")
@pytest.mark.parametrize("trap", TRAPS)
def test_what_is_no_private_file_of_the_users_is_not_read_and_replaced(
    trap, folder, translations, monkeypatch
):
    code = cache.object_code(TEXT)
    file = only_file(folder)
    monkeypatch.chdir(folder)
    trap(file)
    elsewhere = folder.parent / "elsewhere"
    before = elsewhere.read_bytes() if elsewhere.exists() else None
    forget()
    assert cache.object_code(TEXT) == code
    assert len(translations) == 2
    status = only_file(folder).lstat()
    assert stat.S_ISREG(status.st_mode)
    assert status.st_mode & 0o777 == 0o600
    assert (elsewhere.read_bytes() if elsewhere.exists() else None) == before
    forget()
    cache.object_code(TEXT)
    assert len(translations) == 2


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no such owners here")
def test_a_file_of_another_user_is_not_read(folder, translations, monkeypatch):
    cache.object_code(TEXT)
    original = os.fstat

    def foreign(handle):
        status = list(original(handle))
        status[stat.ST_UID] = os.getuid() + 1
        return os.stat_result(status)

    monkeypatch.setattr(os, "fstat", foreign)
    forget()
    cache.object_code(TEXT)
    assert len(translations) == 2


def test_a_folder_in_the_place_of_a_file_is_no_hindrance(folder, translations):
    code = cache.object_code(TEXT)
    file = only_file(folder)
    file.unlink()
    file.mkdir()
    forget()
    assert cache.object_code(TEXT) == code


@pytest.mark.skipif(os.name == "nt", reason="there is no umask")
def test_a_file_is_private_under_any_umask(folder):
    before = os.umask(0)
    try:
        cache.object_code(TEXT)
    finally:
        os.umask(before)
    assert only_file(folder).stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_what_a_killed_process_left_is_removed(folder):
    program = f"""if True:
        import os, signal
        os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        from adjoint.compiler.native.cache import object_code
        object_code({TEXT!r})"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode < 0
    assert [file.suffix for file in folder.iterdir()] == [".adjoint-part"]
    cache.object_code(OTHER)
    assert [file.suffix for file in folder.iterdir()] == [".o"]


@pytest.mark.parametrize("variable", ["ADJOINT_CACHE", "XDG_CACHE_HOME"])
def test_the_home_is_expanded(variable, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ADJOINT_CACHE")
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv(variable, "~/kept")
    cache.object_code(TEXT)
    assert os.listdir(tmp_path) == ["home"]
    assert list((tmp_path / "home" / "kept").glob("**/*.o"))


def test_threads_share_what_is_in_memory(folder, monkeypatch):
    monkeypatch.setattr(cache, "_IN_MEMORY", 2)
    texts = [TEXT.replace("42", str(number)) for number in range(4)]
    codes = {text: cache.object_code(text) for text in texts}
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(cache.object_code, texts * 100))
    finally:
        sys.setswitchinterval(before)
    assert found == [codes[text] for text in texts * 100]
    assert len(cache._memory) == 2
