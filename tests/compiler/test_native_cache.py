"""The cache of object code: found again, checked, private, and never in the way."""

import contextlib
import os
import platform
import socket
import stat
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import adjoint as ad
from adjoint.compiler.native import cache, function_code, training_code, training_text
from adjoint.compiler.native.machine import Machine, this_machine
from adjoint.compiler.native.object_code import ObjectCode
from adjoint.core.kinds import elementwise
from adjoint.core.registry import PRIMITIVES
from adjoint.ops.arithmetic import multiply

TEXT = "define i64 @answer() {\n  ret i64 42\n}\n"


def object_code(text):
    """Return what the cache keeps of a text, which is its own key here."""
    return cache.kept(text, lambda: this_machine().assemble(text), lambda code: True)


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
    first = object_code(TEXT)
    assert object_code(TEXT) == first
    forget()
    assert object_code(TEXT) == first
    assert len(translations) == 1


def test_other_text_is_other_code(folder, translations):
    object_code(TEXT)
    object_code(TEXT.replace("42", "43"))
    assert len(translations) == 2


def test_the_folder_is_the_users_alone(folder):
    object_code(TEXT)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [file.suffix for file in folder.iterdir()] == [".o"]


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 500])
def test_a_damaged_file_is_translated_anew(folder, translations, damage):
    code = object_code(TEXT)
    (file,) = folder.iterdir()
    file.write_bytes(damage)
    forget()
    assert object_code(TEXT) == code
    assert len(translations) == 2
    forget()
    object_code(TEXT)
    assert len(translations) == 2


def test_a_truncated_file_is_translated_anew(folder, translations):
    code = object_code(TEXT)
    (file,) = folder.iterdir()
    file.write_bytes(file.read_bytes()[:-20])
    forget()
    assert object_code(TEXT) == code
    assert len(translations) == 2


def rewritten(file, content):
    """Give a file another content, and the checksum that fits."""
    file.write_bytes(cache._checksum(file.stem, content) + content)


def test_code_that_cannot_be_used_is_made_anew_though_its_checksum_fits(folder):
    cache.kept("subject", lambda: b"first", bool)
    forget()
    assert cache.kept("subject", lambda: b"second", bool) == b"first"
    forget()
    assert cache.kept("subject", lambda: b"second", lambda code: code != b"first") == b"second"
    forget()
    assert cache.kept("subject", lambda: b"third", bool) == b"second"


def with_other_head(content):
    return content.replace(b"'evaluate_entries'", b"evaluate_entries()")


def with_short_head(content):
    return bytes(8) + content[8:]


def with_endless_head(content):
    return b"\xff" * 8 + content[8:]


def with_deep_head(content):
    head = b"(" * 100_000
    return len(head).to_bytes(8, "little") + head


def with_other_object(content):
    return content.replace(b"\x7fELF", b"\x7fElF")


def with_another_function(content):
    return content.replace(b"\0evaluate_entries\0", b"\0evaluate_entriez\0")


DAMAGES = [with_other_head, with_short_head, with_endless_head, with_deep_head]
if (sys.platform, platform.machine()) == ("linux", "x86_64"):  # elsewhere LLVM reads objects
    DAMAGES += [with_other_object, with_another_function]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_record_is_made_anew_though_its_checksum_fits(damage, folder, lowerings):
    first = run_afresh(with_table, X)
    content = only_file(folder).read_bytes()[cache._DIGEST :]
    assert damage(content) != content
    rewritten(only_file(folder), damage(content))
    np.testing.assert_array_equal(run_afresh(with_table, X), first)
    assert len(lowerings) == 2
    np.testing.assert_array_equal(run_afresh(with_table, X), first)
    assert len(lowerings) == 2
    assert only_file(folder).read_bytes()[cache._DIGEST :] == content


def test_records_with_any_byte_changed_are_read_or_refused():
    rng = np.random.default_rng(0)
    known, own = np.arange(3.0), np.linspace(0, 1, 7, dtype=np.float32)
    code = ObjectCode(b"code", ("train",), "about", 640, ((64, known), (128, own)))
    content = code.packed([known])
    found = ObjectCode.unpacked(content, [known])
    assert found[:4] == code[:4]
    for (at, array), (expected, other) in zip(found.constants, code.constants, strict=True):
        assert (at, array.dtype) == (expected, other.dtype)
        np.testing.assert_array_equal(array, other)
    for _ in range(3_000):
        damaged = bytearray(content)
        for at in rng.integers(len(content), size=2):
            damaged[at] = rng.integers(256)
        with contextlib.suppress(ValueError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the head's text
            ObjectCode.unpacked(bytes(damaged), [known])


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions are of another kind here")
def test_a_folder_that_others_may_write_is_not_trusted(folder, translations):
    object_code(TEXT)
    folder.chmod(0o777)
    forget()
    object_code(TEXT)
    assert len(translations) == 2


def test_a_folder_that_cannot_be_is_no_hindrance(folder, translations):
    folder.parent.joinpath("native").write_text("a file")
    assert object_code(TEXT)
    assert len(translations) == 1


def test_an_empty_name_keeps_the_disk_out(folder, monkeypatch):
    monkeypatch.setenv("ADJOINT_CACHE", "")
    object_code(TEXT)
    assert not folder.exists()


def test_old_files_make_room(folder, monkeypatch):
    monkeypatch.setattr(cache, "_ON_DISK", 2)
    for number in range(4):
        object_code(TEXT.replace("42", str(number)))
    assert len(list(folder.iterdir())) == 2


def test_processes_that_write_at_once_all_get_the_same_code(folder):
    script = (
        "import hashlib; from adjoint.compiler.native.cache import kept; "
        "from adjoint.compiler.native.machine import this_machine; "
        f"code = kept({TEXT!r}, lambda: this_machine().assemble({TEXT!r}), bool); "
        "print(hashlib.sha256(code).hexdigest())"
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
    assert object_code(TEXT)
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
    code, other = object_code(TEXT), object_code(OTHER)
    first, second = folder.iterdir()
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    forget()
    assert (object_code(TEXT), object_code(OTHER)) == (code, other)
    assert len(translations) == 4
    forget()
    object_code(TEXT)
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
    code = object_code(TEXT)
    file = only_file(folder)
    monkeypatch.chdir(folder)
    trap(file)
    elsewhere = folder.parent / "elsewhere"
    before = elsewhere.read_bytes() if elsewhere.exists() else None
    forget()
    assert object_code(TEXT) == code
    assert len(translations) == 2
    status = only_file(folder).lstat()
    assert stat.S_ISREG(status.st_mode)
    assert status.st_mode & 0o777 == 0o600
    assert (elsewhere.read_bytes() if elsewhere.exists() else None) == before
    forget()
    object_code(TEXT)
    assert len(translations) == 2


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no such owners here")
def test_a_file_of_another_user_is_not_read(folder, translations, monkeypatch):
    object_code(TEXT)
    original = os.fstat

    def foreign(handle):
        status = list(original(handle))
        status[stat.ST_UID] = os.getuid() + 1
        return os.stat_result(status)

    monkeypatch.setattr(os, "fstat", foreign)
    forget()
    object_code(TEXT)
    assert len(translations) == 2


def test_a_folder_in_the_place_of_a_file_is_no_hindrance(folder, translations):
    code = object_code(TEXT)
    file = only_file(folder)
    file.unlink()
    file.mkdir()
    forget()
    assert object_code(TEXT) == code


@pytest.mark.skipif(os.name == "nt", reason="there is no umask")
def test_a_file_is_private_under_any_umask(folder):
    before = os.umask(0)
    try:
        object_code(TEXT)
    finally:
        os.umask(before)
    assert only_file(folder).stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_what_a_killed_process_left_is_removed(folder):
    program = f"""if True:
        import os, signal
        os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        from adjoint.compiler.native.cache import kept
        kept({TEXT!r}, lambda: b"code", bool)"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode < 0
    assert [file.suffix for file in folder.iterdir()] == [".adjoint-part"]
    object_code(OTHER)
    assert [file.suffix for file in folder.iterdir()] == [".o"]


@pytest.mark.parametrize("variable", ["ADJOINT_CACHE", "XDG_CACHE_HOME"])
def test_the_home_is_expanded(variable, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ADJOINT_CACHE")
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv(variable, "~/kept")
    object_code(TEXT)
    assert os.listdir(tmp_path) == ["home"]
    assert list((tmp_path / "home" / "kept").glob("**/*.o"))


def test_threads_share_what_is_in_memory(folder, monkeypatch):
    monkeypatch.setattr(cache, "_IN_MEMORY", 2)
    texts = [TEXT.replace("42", str(number)) for number in range(4)]
    codes = {text: object_code(text) for text in texts}
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(object_code, texts * 100))
    finally:
        sys.setswitchinterval(before)
    assert found == [codes[text] for text in texts * 100]
    assert len(cache._memory) == 2


# --- the key is the graph


@pytest.fixture
def lowerings(monkeypatch):
    """Count how often a graph is written for LLVM."""
    count = []
    original = function_code.write_function

    def write_function(graph, **settings):
        count.append(graph)
        return original(graph, **settings)

    monkeypatch.setattr(function_code, "write_function", write_function)
    return count


def run_afresh(function, *args):
    """Return what a compiled function gives in a process that has only the cache on the disk."""
    forget()
    compiled = ad.compile(function)
    found = compiled(*args)
    assert compiled.latest.tier == "native"
    return found


X = np.linspace(0.1, 1, 7)
TABLE = np.linspace(-1, 1, 700).reshape(7, 100)


def small(x):
    return np.sum(np.exp(x) * 3)


def with_table(x):
    return np.tanh(x @ TABLE) @ TABLE.T


@pytest.mark.parametrize("function", [small, with_table])
def test_a_graph_that_is_known_is_neither_lowered_nor_translated(
    function, folder, lowerings, translations
):
    first = run_afresh(function, X)
    again = run_afresh(function, X)
    np.testing.assert_array_equal(again, first)
    assert (len(lowerings), len(translations)) == (1, 1)
    assert len(list(folder.iterdir())) == 1


def test_other_names_are_the_same_graph_and_other_numbers_another(folder, lowerings):
    assert run_afresh(lambda x: np.sum(x * 3.0), X) == run_afresh(
        lambda other: np.sum(other * 3.0), X
    )
    assert len(lowerings) == 1
    for number in (4.0, -0.0, 0.0, np.float32(3), 3):
        expected = np.sum(X * number)
        found = run_afresh(lambda x, number=number: np.sum(x * number), X)
        np.testing.assert_allclose(found, expected, rtol=1e-15)
    assert len(lowerings) >= 4


@pytest.mark.parametrize("entry", [np.nan, -0.0, np.inf, 5e-324])
def test_constants_are_told_apart_by_their_bits(entry, folder):
    for table in (np.zeros(7), np.where(np.arange(7) == 3, entry, 0.0)):
        found = run_afresh(lambda x, table=table: np.copysign(1.0, x * table), X)
        np.testing.assert_array_equal(found, np.copysign(1.0, X * table))


def test_metadata_shapes_and_dtypes_are_told_apart(folder, lowerings):
    x = np.arange(12.0).reshape(3, 4)
    functions = [
        (lambda x: np.sum(x, axis=0), x),
        (lambda x: np.sum(x, axis=1), x),
        (lambda x: np.sum(x, axis=0), x.reshape(4, 3)),
        (lambda x: np.sum(x, axis=0), x.astype(np.float32)),
        (lambda x: np.sum(x, axis=0, keepdims=True), x),
    ]
    for function, example in functions:
        found = run_afresh(function, example)
        assert found.dtype == example.dtype
        np.testing.assert_array_equal(found, function(example))
    assert len(lowerings) == len(functions)


@pytest.mark.parametrize("changed", ["_authors", "identity"])
def test_another_version_or_processor_has_other_code(changed, folder, lowerings, monkeypatch):
    run_afresh(small, X)
    monkeypatch.setattr(cache, changed, lambda: ("another",))
    run_afresh(small, X)
    assert len(lowerings) == 2


def test_a_change_of_a_file_that_writes_code_is_seen():
    before = cache._authors()
    path = Path(function_code.__file__)
    status = path.stat()
    cache._authors.cache_clear()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))
    try:
        assert cache._authors() != before
    finally:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        cache._authors.cache_clear()
    assert cache._authors() == before


def test_links_to_nothing_and_to_folders_are_no_files_that_write_code(tmp_path, monkeypatch):
    for room in cache._WRITING_ROOMS:
        (tmp_path / room).mkdir()
    (tmp_path / "core" / "some.py").touch()
    monkeypatch.setattr(cache, "__file__", str(tmp_path / "compiler" / "native" / "cache.py"))
    before = cache._authors.__wrapped__()
    assert any("some.py" in author for author in before)
    (tmp_path / "core" / ".#some.py").symlink_to(
        "user@host.1:2"
    )  # what Emacs leaves while it edits
    (tmp_path / "core" / "round").symlink_to(tmp_path / "core")
    assert cache._authors.__wrapped__() == before


def test_code_of_files_that_changed_since_they_were_read_is_of_this_process_alone(monkeypatch):
    def authors():
        cache._authors.cache_clear()
        return cache._authors()

    try:
        before = authors()
        monkeypatch.setattr(cache, "_BEGUN", 0.0)
        assert set(authors()) - set(before) == {f"{os.getpid()} 0.0"}
    finally:
        cache._authors.cache_clear()


def test_a_primitive_of_the_users_own_is_not_kept(folder, lowerings):
    def registered(factor):
        @elementwise(
            partials=[lambda y, x: factor],
            expand=lambda x: multiply(factor, x),
            source="scaled_here({x})",
            latex="{x}",
        )
        def scaled_here(x):
            return factor * x

        return scaled_here

    try:
        for factor in (2.0, 3.0):  # the name, and all that can be seen of it, stays the same
            PRIMITIVES.pop("scaled_here", None)
            primitive = registered(factor)
            found = run_afresh(lambda x, primitive=primitive: np.sum(primitive(x)), X)
            np.testing.assert_allclose(found, factor * X.sum(), rtol=1e-14)
    finally:
        PRIMITIVES.pop("scaled_here", None)
    assert not folder.exists() or not list(folder.iterdir())


def test_large_constants_lie_in_the_graph_and_not_in_the_file(folder, lowerings):
    large = np.random.default_rng(0).normal(size=(3_000, 40))

    def function(w):
        if isinstance(w, int):  # code that asks for types has its arrays frozen
            return w
        return np.sum(np.tanh(large @ w))

    first = run_afresh(function, X[:1].repeat(40))
    assert only_file(folder).stat().st_size < large.nbytes / 4
    assert run_afresh(function, X[:1].repeat(40)) == first
    assert len(lowerings) == 1


def test_a_training_that_is_known_is_not_lowered(folder, translations, monkeypatch):
    def trained():
        monkeypatch.setattr(training_code, "_codes", {})
        monkeypatch.setattr(training_code, "_known", {})
        forget()
        model = ad.nn.MLP(2, 5, 2, rng=0)
        history = ad.fit(
            model,
            ad.datasets.make_moons(50, seed=0),
            loss="cross_entropy",
            optimizer=lambda p: ad.optim.Adam(p, lr=0.1),
            epochs=3,
            batch_size=16,
            seed=0,
            progress=False,
            compile=True,
        )
        assert history.tier == "native"
        return history.loss

    first = trained()
    monkeypatch.setattr(training_text, "write_steps", lambda *_, **__: pytest.fail("lowered"))
    assert trained() == first
    assert len(translations) == 1


FINGERPRINTS = """
import numpy as np
import adjoint as ad
from adjoint.compiler.simplify.fingerprint import fingerprint
table = np.linspace(0, 1, 30)
def function(x, labels):
    h = np.tanh(x @ table.reshape(3, 10))[:, ::2]
    return ad.nn.functional.cross_entropy(h, labels), ad.sort(x, axis=-1), x[np.array([1, 0])]
def loss(x, labels):
    return function(x, labels)[0]
for each in (ad.value_and_grad(loss), function):
    print(*fingerprint(ad.trace(each, np.ones((4, 3)), np.zeros(4, int))))
"""


def test_a_fingerprint_is_the_same_in_every_process():
    def printed(seed):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        return subprocess.run(
            [sys.executable, "-c", FINGERPRINTS],
            env=environment,
            text=True,
            capture_output=True,
            check=True,
        ).stdout

    first = printed("1")
    assert first.count("True") == 2
    assert printed("2") == first


CACHED = """
import sys
import numpy as np
import adjoint as ad
f = ad.compile(lambda x: np.sum(np.fmod(np.exp(x), 3.0)))
print(repr(float(f(np.linspace(0, 3, 9)))), f.latest.tier)
print(*sorted(name for name in sys.modules if "llvmlite" in name or ".native.arrays" in name
              or "compiler.source" in name or ".native.functions" in name))
"""


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="LLVM links elsewhere"
)
def test_known_code_runs_without_llvm_and_what_writes_for_it(tmp_path):
    environment = {**os.environ, "ADJOINT_CACHE": str(tmp_path)}

    def printed():
        return subprocess.run(
            [sys.executable, "-c", CACHED],
            env=environment,
            text=True,
            capture_output=True,
            check=True,
        ).stdout.splitlines()

    number, modules = printed()
    assert "llvmlite" in modules
    assert printed() == [number, ""]
