"""Files that are written whole or not at all; devices, pipes and open files are never replaced."""

import os
import stat
import subprocess
import sys
import threading

import numpy as np
import pytest
from adjoint.graph import Graph, trace

import adjoint as ad
from adjoint.files.whole_file import write_whole

WRITERS = {
    "write_whole": lambda path: write_whole(path, b"content"),
    "Graph.save": lambda path: trace(ad.sin, np.ones(2)).save(path),
    "write_source": lambda path: ad.write_source(ad.sin, path, np.ones(2)),
    "Drawing.save": lambda path: ad.draw(lambda x: ad.sin(x), np.ones(2)).save(path),
}
posix = pytest.mark.skipif(os.name == "nt", reason="pipes and devices are POSIX's")


@pytest.fixture(params=WRITERS)
def writer(request):
    return WRITERS[request.param]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_the_file_of_before(writer, step, tmp_path, monkeypatch):
    path = tmp_path / "file.svg"
    path.write_bytes(b"old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match=r"No space left.*file\.svg"):
        writer(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.svg"]


@posix
def test_a_pipe_is_written_to(writer, tmp_path):
    pipe, file = tmp_path / "pipe.svg", tmp_path / "file.svg"
    os.mkfifo(pipe)
    found = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    writer(pipe)
    reader.join()
    writer(file)
    assert found == [file.read_bytes()]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert sorted(os.listdir(tmp_path)) == ["file.svg", "pipe.svg"]


@posix
def test_a_device_stays_one_by_a_link_too(writer, tmp_path):
    link = tmp_path / "link.svg"
    link.symlink_to(os.devnull)
    for path in (link, os.devnull) if writer is not WRITERS["Drawing.save"] else (link,):
        writer(path)
    assert link.is_symlink()
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_a_device_that_is_full_says_so():
    with pytest.raises(OSError, match=r"No space left.*dev.full"):
        write_whole("/dev/full", b"content")


def test_a_folder_is_not_replaced(writer, tmp_path):
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(OSError, match=r"folder\.svg"):
        writer(tmp_path / "folder.svg")
    assert os.listdir(tmp_path) == ["folder.svg"]


@posix
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
def test_standard_output_is_added_to_in_a_file_too(name, tmp_path):
    if name.startswith("/proc") and not os.path.exists("/proc/self/fd"):
        pytest.skip("a path of Linux")
    (tmp_path / "link").symlink_to("/dev/stdout")
    program = f"""if True:
        from adjoint.files.whole_file import write_whole
        print("before")
        write_whole({name!r}, b"content\\n")
        print("after")"""
    with open(tmp_path / "out", "wb") as out:
        subprocess.run([sys.executable, "-c", program], stdout=out, check=True, cwd=tmp_path)
    assert (tmp_path / "out").read_text() == "before\ncontent\nafter\n"
    piped = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, cwd=tmp_path
    )
    assert piped.stdout == b"before\ncontent\nafter\n"


def test_a_graph_is_loaded_from_what_replaced_another(tmp_path):
    path = tmp_path / "graph.json"
    for function in (ad.sin, ad.cos):
        graph = trace(function, np.ones(2))
        graph.save(path)
        assert repr(Graph.load(path)) == repr(graph)
