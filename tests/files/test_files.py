"""Files of weights and checkpoints: whole or not at all, and nothing in them is believed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adjoint as ad
from adjoint import nn
from adjoint.files import Checkpoint, UnreadableFileError
from adjoint.files.tensor_file import read_tensors, write_tensors
from adjoint.files.whole_file import write_whole
from adjoint.nn.torch_layout import to_torch
from adjoint.training.history import History

safetensors = pytest.importorskip("safetensors.numpy")

RNG = np.random.default_rng(0)

# --- arrays come back -----------------------------------------------------------------------------

GRID = RNG.normal(size=(4, 6))
LAYOUTS = {
    "plain": GRID,
    "transposed": GRID.T,
    "fortran": np.asfortranarray(GRID),
    "strided": GRID[::2, ::-1],
    "broadcast": np.broadcast_to(GRID[0], (3, 6)),
    "number": np.array(2.5),
    "empty": np.zeros((0, 3)),
    "float32": GRID.astype(np.float32),
    "integers": np.arange(5),
    "flags": np.array([True, False]),
    "edges": np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324]),
}


def test_arrays_come_back_bit_for_bit_from_any_layout(tmp_path):
    path = tmp_path / "arrays"
    content = {"a": [1e300, -0.0, float("inf"), 2**64 - 1, "é", None], "b": {"c": 0.1}}
    write_tensors(path, LAYOUTS, content)
    arrays, found = read_tensors(path)
    assert found == content
    assert arrays.keys() == LAYOUTS.keys()
    for name, array in LAYOUTS.items():
        assert (arrays[name].dtype, arrays[name].shape) == (array.dtype, array.shape)
        assert arrays[name].tobytes() == array.tobytes()


def test_the_same_arrays_are_the_same_bytes(tmp_path):
    for name in ("one", "two", "three", "four"):
        write_tensors(tmp_path / name, {"b": GRID, "a": np.arange(3)}, {"kind": "é"})
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


# --- damaged and hostile files --------------------------------------------------------------------


def a_file(tmp_path):
    path = tmp_path / "good"
    write_tensors(path, {"a": GRID, "b": np.arange(3)}, {"kind": "weights", "layout": "adjoint"})
    return path.read_bytes()


def header(fields, data=b""):
    text = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return len(text).to_bytes(8, "little") + text + data


DEEP = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
ENTRY = {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}
HOSTILE = {
    "empty": b"",
    "seven bytes": b"1234567",
    "a header of 2^63": (2**63).to_bytes(8, "little") + b"{}",
    "a header beyond the file": (100).to_bytes(8, "little") + b"{}",
    "no JSON": header(b"not JSON at all"),
    "no UTF-8": header(b'{"\xff\xfe": 1}'),
    "deep JSON": header(DEEP),
    "a giant shape": header({"a": {**ENTRY, "shape": [2**40, 2**40]}}, bytes(8)),
    "a shape beyond its bytes": header({"a": {**ENTRY, "shape": [2**30]}}, bytes(8)),
    "offsets beyond the file": header({"a": {**ENTRY, "data_offsets": [0, 2**50]}}, bytes(8)),
    "overlapping offsets": header({"a": ENTRY, "b": ENTRY}, bytes(8)),
    "offsets backwards": header({"a": {**ENTRY, "data_offsets": [8, 0]}}, bytes(8)),
    "an unknown dtype": header({"a": {**ENTRY, "dtype": "F1"}}, bytes(8)),
    "a pickle": b"\x80\x04\x95" + bytes(40),
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "another's file": header({"a": ENTRY}, bytes(8)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gives_one_error_and_changes_nothing(name, tmp_path):
    path = tmp_path / "bad"
    path.write_bytes(HOSTILE[name])
    model = nn.MLP(2, 3, 1, rng=0)
    before = model.state_dict()
    start = time.perf_counter()
    with pytest.raises(UnreadableFileError, match="bad"):
        ad.load_weights(model, path)
    assert time.perf_counter() - start < 5
    for key, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[key])


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded by Linux's limits")
def test_hostile_files_are_refused_in_512_mib(tmp_path):
    for number, content in enumerate(HOSTILE.values()):
        (tmp_path / str(number)).write_bytes(content)
    big = header(b'{"a":"' + b"x" * 2**25 + b'"}')
    (tmp_path / str(len(HOSTILE))).write_bytes(big)
    program = """
        import resource, sys, pathlib
        from adjoint.files import Checkpoint, UnreadableFileError
        import safetensors.numpy
        resource.setrlimit(resource.RLIMIT_AS, (512 * 2**20,) * 2)
        for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
            try:
                Checkpoint.read(path)
            except UnreadableFileError:
                print("refused")
    """
    # BLAS sets memory aside for every thread that it might use.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )
    assert found.stderr == ""
    assert found.stdout.split() == ["refused"] * (len(HOSTILE) + 1)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_damaged_byte_is_found(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    whole = a_file(folder)
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        bad = whole[:place]
    else:
        bad = bytearray(whole)
        bad[place] ^= data.draw(st.integers(1, 255))
    path = folder / "damaged"
    path.write_bytes(bytes(bad))
    with pytest.raises(UnreadableFileError):
        read_tensors(path)


def test_a_file_of_a_later_version_is_named(tmp_path):
    path = tmp_path / "later"
    metadata = {"format": "adjoint", "version": "2", "content": "{}", "sha256": ""}
    path.write_bytes(safetensors.save({"a": GRID}, metadata))
    with pytest.raises(UnreadableFileError, match="format version 2, this adjoint reads up to 1"):
        read_tensors(path)


def test_a_file_of_another_kind_is_named(tmp_path):
    path = tmp_path / "model"
    ad.save_weights(nn.MLP(2, 3, 1, rng=0), path)
    with pytest.raises(UnreadableFileError, match="a file of weights; expected a checkpoint"):
        Checkpoint.read(path)


def test_a_file_that_is_not_there_is_pythons_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        ad.load_weights(nn.MLP(2, 3, 1, rng=0), tmp_path / "none")


def test_without_safetensors_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match="python -m pip install safetensors"):
        ad.save_weights(nn.MLP(2, 3, 1, rng=0), tmp_path / "model")


# --- written whole --------------------------------------------------------------------------------


def test_a_failure_leaves_the_old_file_and_no_part(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_whole(path, b"old")

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_part_of_a_dead_process_is_removed_and_of_a_living_one_kept(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    dead = tmp_path / f"file.{child.pid}-00.adjoint-part"
    living = tmp_path / f"file.{os.getppid()}-00.adjoint-part"
    for part in (dead, living):
        part.write_bytes(b"")
    write_whole(tmp_path / "file", b"new")
    assert not dead.exists()
    assert living.exists()


@pytest.mark.skipif(os.name == "nt", reason="links and modes are POSIX's")
def test_a_link_is_followed_and_permissions_stay(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    write_whole(target, b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    write_whole(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_kill_while_saving_never_breaks_a_file(tmp_path, pytestconfig):
    program = """
        import sys, numpy as np
        from adjoint.files.tensor_file import write_tensors
        states = [{"a": np.full(20_000, float(k))} for k in range(2)]
        for turn in range(10**9):
            write_tensors(sys.argv[1], states[turn % 2], {"turn": turn})
            if turn == 1:
                print("ready", flush=True)
    """
    path, chance = tmp_path / "file", random.Random(0)
    for _ in range(50 if pytestconfig.getoption("--full") else 5):
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program), str(path)], stdout=subprocess.PIPE
        )
        assert child.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0, 0.05))
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        arrays, content = read_tensors(path)
        assert (arrays["a"] == content["turn"] % 2).all()
        assert len(list(tmp_path.iterdir())) <= 2


# --- weights --------------------------------------------------------------------------------------


def network(rng=0):
    rng = np.random.default_rng(rng)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1, rng=rng),
        nn.BatchNorm(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.2, rng=rng),
        nn.Linear(32, 4, rng=rng),
        nn.LayerNorm(4),
    )
    model(rng.normal(size=(3, 1, 4, 4)))
    return model


def test_weights_come_back_with_their_buffers(tmp_path):
    model, other = network(0), network(1)
    ad.save_weights(model, tmp_path / "model")
    ad.load_weights(other, tmp_path / "model")
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], array)


def test_weights_of_another_shape_are_listed_and_nothing_is_loaded(tmp_path):
    ad.save_weights(nn.MLP(2, 3, 1, rng=0), tmp_path / "model")
    other = nn.MLP(2, 4, 1, rng=1)
    before = other.state_dict()
    with pytest.raises(ValueError, match=r"shape of layers\[0\].weight: expected \(2, 4\), got"):
        ad.load_weights(other, tmp_path / "model")
    for name, array in other.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


class Everything(nn.Module):
    def __init__(self, rng):
        rng = np.random.default_rng(rng)
        self.network = network(rng)
        self.lstm = nn.LSTM(3, 4, layers=2, bidirectional=True, rng=rng)
        self.blocks = [nn.TransformerEncoderLayer(4, 2, 6, rng=rng)]
        self.table = {"words": nn.Embedding(5, 4, padding_idx=0, rng=rng)}
        self.grow = nn.ConvTranspose2d(4, 6, (2, 3), groups=2, rng=rng)
        self.gru = nn.GRUCell(3, 4, rng=rng)
        self.norm = nn.LayerNorm((4, 5))


def test_pytorchs_layout_and_back_is_the_same_state(tmp_path):
    model, other = Everything(0), Everything(1)
    ad.save_weights(model, tmp_path / "model", layout="torch")
    ad.load_weights(other, tmp_path / "model", layout="torch")
    for name, array in model.state_dict().items():
        if not name.endswith("state"):  # PyTorch has no state of dropout
            np.testing.assert_array_equal(other.state_dict()[name], array, err_msg=name)


def test_pytorchs_names(tmp_path):
    ad.save_weights(Everything(0), tmp_path / "model", layout="torch")
    shapes = {name: a.shape for name, a in safetensors.load_file(tmp_path / "model").items()}
    expected = {
        "network.0.weight": (2, 1, 3, 3),
        "network.1.running_var": (2,),
        "network.5.weight": (4, 32),
        "lstm.weight_ih_l0": (16, 3),
        "lstm.weight_hh_l1_reverse": (16, 4),
        "lstm.bias_ih_l1": (16,),
        "blocks.0.self_attn.in_proj_weight": (12, 4),
        "blocks.0.self_attn.in_proj_bias": (12,),
        "blocks.0.self_attn.out_proj.weight": (4, 4),
        "blocks.0.linear1.weight": (6, 4),
        "blocks.0.linear2.bias": (4,),
        "blocks.0.norm2.bias": (4,),
        "table.words.weight": (5, 4),
        "grow.weight": (4, 3, 2, 3),
        "gru.weight_ih": (12, 3),
        "gru.weight_hh": (12, 4),
        "gru.bias_hh": (12,),
        "norm.weight": (4, 5),
    }
    assert {name: shapes.get(name) for name in expected} == expected


def test_pytorch_loads_ours_and_we_load_pytorchs(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file

    def twin():
        return torch.nn.Sequential(
            torch.nn.Conv2d(1, 2, 3, padding=1),
            torch.nn.BatchNorm2d(2),
            torch.nn.ReLU(),
            torch.nn.Flatten(),
            torch.nn.Dropout(0.2),
            torch.nn.Linear(32, 4),
            torch.nn.LayerNorm(4),
        ).double()

    ours, theirs = network().eval(), twin().eval()
    ad.save_weights(ours, tmp_path / "ours", layout="torch")
    theirs.load_state_dict(load_file(tmp_path / "ours"))
    x = RNG.normal(size=(2, 1, 4, 4))
    np.testing.assert_allclose(theirs(torch.tensor(x)).detach(), ours(x).data, rtol=1e-10)
    theirs = twin().eval()
    save_file(theirs.state_dict(), tmp_path / "theirs")
    ad.load_weights(ours, tmp_path / "theirs", layout="torch")
    np.testing.assert_allclose(ours(x).data, theirs(torch.tensor(x)).detach(), rtol=1e-10)


def slopes(axis=1):
    model = nn.Sequential(nn.Conv2d(1, 4, 1, rng=0), nn.PReLU(4, axis=axis))
    model.layers[1].weight.data = np.array([0.1, 0.2, 0.3, 0.4])
    return model


def test_slopes_of_pytorch_run_along_the_channels(tmp_path):
    theirs = {"0.weight": np.ones((4, 1, 1, 1)), "0.bias": np.zeros(4)}
    theirs["1.weight"] = np.array([0.5, 0.25, 2.0, 3.0])
    safetensors.save_file(theirs, tmp_path / "theirs")
    model = nn.Sequential(nn.Conv2d(1, 4, 1, rng=0), nn.PReLU(4))
    ad.load_weights(model, tmp_path / "theirs", layout="torch")
    found = model(-np.ones((2, 1, 4, 4))).data
    np.testing.assert_array_equal(found[0, :, 0, 0], -theirs["1.weight"])
    with pytest.raises(TypeError, match="along axis -1, PyTorch's along axis 1"):
        ad.load_weights(slopes(axis=-1), tmp_path / "theirs", layout="torch")
    with pytest.raises(TypeError, match="along axis -1, PyTorch's along axis 1"):
        ad.save_weights(slopes(axis=-1), tmp_path / "ours", layout="torch")


@pytest.mark.parametrize("layout", ["adjoint", "torch"])
def test_slopes_saved_when_they_ran_along_the_last_axis_are_refused(tmp_path, layout):
    model = slopes()
    state = to_torch(model, model.state_dict()) if layout == "torch" else model.state_dict()
    write_tensors(tmp_path / "old", state, {"kind": "weights", "layout": layout})
    model.layers[1].weight.data = np.ones(4)
    with pytest.raises(ValueError, match=r"axis -1 .* here they run along axis 1"):
        ad.load_weights(model, tmp_path / "old", layout=layout)
    np.testing.assert_array_equal(model.layers[1].weight.data, np.ones(4))


def test_slopes_saved_when_they_ran_along_the_last_axis_load_where_they_do(tmp_path):
    write_tensors(tmp_path / "old", slopes().state_dict(), {"kind": "weights", "layout": "adjoint"})
    model = nn.Sequential(nn.Conv2d(1, 4, 1, rng=1), nn.PReLU(4, axis=-1))
    ad.load_weights(model, tmp_path / "old")
    np.testing.assert_array_equal(model.layers[1].weight.data, [0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize("axis", [1, -1])
def test_slopes_load_only_where_they_run_along_the_axis_they_were_saved_of(tmp_path, axis):
    ad.save_weights(slopes(axis), tmp_path / "model")
    ad.load_weights(slopes(axis), tmp_path / "model")
    with pytest.raises(ValueError, match=rf"layers\[1\] ran along axis {axis} .* axis {-axis}"):
        ad.load_weights(slopes(-axis), tmp_path / "model")


def test_one_slope_in_all_loads_whenever_it_was_saved(tmp_path):
    content = {"kind": "weights", "layout": "adjoint"}
    write_tensors(tmp_path / "old", nn.PReLU(1, 0.5).state_dict(), content)
    layer = nn.PReLU()
    ad.load_weights(layer, tmp_path / "old")
    assert layer.weight.data == 0.5


# --- checkpoints ----------------------------------------------------------------------------------


def a_training():
    model = network()
    optimizer = ad.optim.Adam(
        model.parameters(), lr=ad.optim.schedules.Exponential(0.1, factor=0.9)
    )
    for _ in range(2):
        optimizer.zero_grad()
        model(RNG.normal(size=(3, 1, 4, 4))).sum().backward()
        optimizer.step()
    history = History(seed=2**64 - 1)
    history.append(loss=0.1, val_loss=float("nan"))
    return model, optimizer, history


def test_a_checkpoint_holds_all_of_a_training(tmp_path):
    model, optimizer, history = a_training()
    position = {"step": 3, "loss_so_far": 0.1}
    settings = {"batch_size": 3, "rows": 10, "shuffle": True}
    point = Checkpoint.of(model, optimizer, history, position=position, settings=settings)
    point.save(tmp_path / "point")
    found = Checkpoint.read(tmp_path / "point")
    assert (found.position, found.settings) == (position, settings)
    other, its_optimizer, its_history = a_training()
    found.restore(other, its_optimizer)
    its_history.restore(found.history)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], array)
    before, after = optimizer.state_dict(), its_optimizer.state_dict()
    assert (after["groups"], after["steps"]) == (before["groups"], before["steps"])
    for ours, theirs in zip(after["memory"], before["memory"], strict=True):
        for name in theirs:
            np.testing.assert_array_equal(ours[name], theirs[name])
    assert its_history.seed == 2**64 - 1
    assert repr(its_history) == repr(history)


def test_a_checkpoint_of_another_training_restores_nothing(tmp_path):
    model, optimizer, history = a_training()
    point = Checkpoint.of(model, optimizer, history, position={}, settings={})
    other = nn.MLP(2, 3, 1, rng=0)
    for rule, message in (
        (ad.optim.SGD(other.parameters(), lr=0.1), "of the optimiser Adam, this one is SGD"),
        (ad.optim.Adam(other.parameters(), lr=0.1), "load_state_dict"),
    ):
        before = other.state_dict()
        with pytest.raises(ValueError, match=message):
            point.restore(other, rule)
        assert rule.steps == 0
        for name, array in other.state_dict().items():
            np.testing.assert_array_equal(array, before[name])
