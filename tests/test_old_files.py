"""Files of earlier versions: each loads to the same numbers, or one sentence names its version.

``old_files/write.py`` wrote them, and says with what. They are never written anew: whatever is
moved or renamed in the package must keep them readable.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import tarfile

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.files import Checkpoint
from old_files import contents
from old_files.contents import CLASSES, FOLDER, MODELS, OPTIMIZERS, X, arrays, from_json, outputs
from sampled import sampled

pytest.importorskip("safetensors")
pytest.importorskip("scipy")
NUMBERS = json.loads((FOLDER / "numbers.json").read_text())

# The libraries under NumPy and SciPy round differently on other machines, and so may a graph whose
# operations are put in another order; 1e-9 is far below what any change of meaning would make.
CLOSE = {"rtol": 1e-9, "atol": 1e-11}


def same(found, expected):
    """Assert that arrays are those that were written, to rounding."""
    expected = arrays(from_json(expected))
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, **CLOSE)


# --- graphs ---------------------------------------------------------------------------------------


def _graphs():
    """Return the saved graphs by name, and their numbers."""
    with tarfile.open(FOLDER / "graphs.tar.gz") as archive:
        files = {entry.name: archive.extractfile(entry).read() for entry in archive}
    numbers = json.loads(files.pop("numbers.json"))
    return {name: files[f"{name}.json"] for name in numbers}, numbers


GRAPHS, GRAPH_NUMBERS = _graphs()


@pytest.mark.parametrize("name", sampled(GRAPHS, 2))
def test_an_old_graph_gives_the_same_numbers(name, tmp_path):
    path = tmp_path / "graph.json"
    path.write_bytes(GRAPHS[name])
    graph = ad.Graph.load(path)
    with np.errstate(all="ignore"):
        found = graph(*from_json(GRAPH_NUMBERS[name]["inputs"]))
    same(arrays(found), GRAPH_NUMBERS[name]["outputs"])


def test_a_graph_of_special_functions_loads_in_a_new_process(tmp_path):
    path = tmp_path / "graph.json"
    path.write_bytes(GRAPHS["special"])
    program = f"import adjoint; print('erf' in adjoint.Graph.load({str(path)!r}).operations)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert found.stdout == "True\n", found.stderr


def test_the_old_graphs_name_every_primitive_of_their_version():
    names = {node["primitive"] for text in GRAPHS.values() for node in json.loads(text)["nodes"]}
    assert len(names) == 188


# --- weights --------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["adjoint", "torch"])
@pytest.mark.parametrize("name", MODELS)
def test_old_weights_give_the_same_numbers(name, layout):
    make, x = MODELS[name]
    model = make()
    end = "-torch" if layout == "torch" else ""
    ad.load_weights(model, FOLDER / f"weights-{name}{end}.safetensors", layout=layout)
    same(outputs(model, x), NUMBERS["weights"][name])


def test_old_slopes_load_along_the_axis_that_they_had():
    model, path = nn.PReLU(4, axis=-1), FOLDER / "weights-slopes.safetensors"
    ad.load_weights(model, path)
    same(outputs(model, X), NUMBERS["weights"]["slopes"])
    with pytest.raises(ValueError, match=r"axis -1 .* Make it nn.PReLU\(..., axis=-1\)"):
        ad.load_weights(nn.PReLU(4), path)


# --- checkpoints ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_old_checkpoint_restores_model_and_optimiser(name):
    point = Checkpoint.read(FOLDER / f"checkpoint-{name}.safetensors")
    model, numbers = contents.mlp(), NUMBERS["checkpoints"][name]
    optimizer = OPTIMIZERS[name](model.parameters())
    point.restore(model, optimizer)
    same(outputs(model, X), numbers["now"])
    contents.step(model, optimizer)
    same(outputs(model, X), numbers["later"])
    history = ad.History(seed=1)
    history.restore(point.history)
    same(arrays(history.to_dict()), numbers["history"])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_old_checkpoint_is_not_gone_on_from_but_its_weights_load(name, tmp_path):
    path = tmp_path / "run"
    path.write_bytes((FOLDER / f"checkpoint-{name}.safetensors").read_bytes())
    with pytest.raises(ValueError, match=r"version 0\.1\.0 of adjoint or an earlier one"):
        contents.train(name, checkpoint=path, resume=True)
    model = contents.mlp()
    ad.load_weights(model, path)
    same(outputs(model, X), NUMBERS["checkpoints"][name]["now"])


# --- folders of models ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", contents.TABLE_MODELS)
def test_an_old_model_of_a_table_predicts_the_same(name):
    pytest.importorskip("pyarrow")
    found = contents.predictions(FOLDER / name)
    for row, expected in zip(found, NUMBERS["tables"][name], strict=True):
        assert row.keys() == expected.keys()
        for column, value in expected.items():
            # Networks of tables compute in float32, whose sums depend on the processor.
            expected = value if isinstance(value, str) else pytest.approx(value, rel=1e-4)
            assert row[column] == expected


# --- pickles --------------------------------------------------------------------------------------


def unpickled(name):
    return pickle.loads((FOLDER / f"{name}.pickle").read_bytes())


@pytest.mark.parametrize("name", [*MODELS, "slopes"])
def test_an_old_pickled_module_gives_the_same_numbers(name):
    x = MODELS[name][1] if name in MODELS else X
    same(outputs(unpickled(f"model-{name}"), x), NUMBERS["pickles"][f"model-{name}"])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_old_pickled_optimiser_takes_the_same_steps(name):
    model, optimizer = unpickled(f"optimizer-{name}")
    contents.step(model, optimizer)
    contents.step(model, optimizer)
    same(outputs(model, X), NUMBERS["pickles"][f"optimizer-{name}"])


ESTIMATORS = [name for name in NUMBERS["pickles"] if name.startswith(("MLP", "Module", "Grid"))]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_old_pickled_estimator_predicts_the_same(name):
    pytest.importorskip("sklearn")
    one = unpickled(name)
    found = one.predict(X) if "Regressor" in name else one.predict_proba(X)
    same([found], NUMBERS["pickles"][name])


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_an_old_pickled_estimator_goes_on_training(name):
    pytest.importorskip("sklearn")
    one = unpickled(name)
    before = one.predict(X) if "Regressor" in name else one.predict_proba(X)
    one.partial_fit(X, contents.TARGETS if "Regressor" in name else CLASSES)
    after = one.predict(X) if "Regressor" in name else one.predict_proba(X)
    assert 0 < np.abs(after - before).max() < 1


@pytest.mark.parametrize("name", [name for name in ESTIMATORS if name.startswith("Module")])
def test_an_old_pickled_estimator_is_trained_anew(name):
    pytest.importorskip("sklearn")
    one = unpickled(name)
    assert one.get_params()["reproducible"] is False
    one.fit(X, contents.TARGETS if "Regressor" in name else CLASSES)


def test_an_old_pickled_history_says_the_same():
    history, expected = unpickled("History"), NUMBERS["pickles"]["History"]
    same(arrays(history.to_dict()), expected["records"])
    assert history.report() == expected["report"]


def test_old_pickled_schedules_give_the_same_rates():
    found = [[float(one(t)) for t in range(10)] for one in unpickled("schedules")]
    np.testing.assert_allclose(found, NUMBERS["pickles"]["schedules"], rtol=1e-14)


def test_old_pickled_losses_give_the_same_numbers():
    found = [np.asarray(one(X[0], X[1]).data) for one in unpickled("losses")]
    same(found, NUMBERS["pickles"]["losses"])


def test_old_pickled_functions_are_those_of_today():
    assert unpickled("functions") == [ad.exp, ad.special.erf, ad.logsumexp]


def test_an_old_pickled_compiled_function_gives_the_same_numbers():
    same(arrays(unpickled("Compiled")(X[0])), NUMBERS["pickles"]["Compiled"])


def test_an_old_pickled_graph_is_refused_where_a_saved_one_is_read():
    with pytest.raises(ValueError, match=r"version 0\.1\.0 .* Graph\.save"):
        unpickled("Graph")


def test_an_old_pickled_tensor_is_the_same_leaf():
    x = unpickled("Tensor")
    same(arrays(x), NUMBERS["pickles"]["Tensor"])
    assert x.requires_grad


def test_an_old_pickled_error_is_caught_by_its_class():
    with pytest.raises(ad.DivergedError, match="loss is nan"):
        raise unpickled("DivergedError")
