"""Exported files do what the model does: in Python with NumPy alone, in C without any library."""

import ctypes
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler

import adjoint as ad
from adjoint import nn
from adjoint.estimators import MLPClassifier, MLPRegressor
from adjoint.exporting.any_rows import for_any_rows
from adjoint.exporting.c_literals import comment
from adjoint.exporting.exported import export
from adjoint.exporting.identifiers import identifiers
from adjoint.exporting.refusal import ExportError
from exported_networks import F32, F64, NETWORKS, assert_like, outputs, rng, rows
from sampled import sampled

COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
needs_compiler = pytest.mark.skipif(not COMPILERS, reason="needs gcc or clang")
STRICT = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic", "-ffp-contract=off"]
POINTERS = {np.dtype(np.float64): ctypes.c_double, np.dtype(np.float32): ctypes.c_float}


def loaded(path, name):
    scope = {"__name__": name}
    exec(compile(path.read_text("utf-8"), str(path), "exec"), scope)
    return scope


def compiled(path, compiler=None, flags=()):
    """Return a library of an exported file of C."""
    library = path.with_suffix(f".{compiler or COMPILERS[0]}.so")
    command = [compiler or COMPILERS[0], *STRICT, *flags, "-shared", "-fPIC", str(path)]
    subprocess.run([*command, "-o", str(library)], check=True, capture_output=True, text=True)
    return ctypes.CDLL(str(library))


def called(function, x, shape):
    """Return what a function of C says about rows."""
    found = np.empty((len(x), *shape), x.dtype)
    pointer = ctypes.POINTER(POINTERS[x.dtype])
    for one, y in zip(x, found, strict=True):
        one = np.ascontiguousarray(one)
        assert function(one.ctypes.data_as(pointer), y.ctypes.data_as(pointer)) == 0
    return found


@pytest.mark.parametrize("name", sampled(NETWORKS, 2))
def test_python_gives_what_the_network_gives(name, tmp_path):
    model, shape, dtype = NETWORKS[name]()
    x = rows(shape, dtype, 40)
    export(model, tmp_path / "net.py", x[:1])
    found = loaded(tmp_path / "net.py", "net")["net"](x)
    first = found[0] if isinstance(found, (tuple, list)) else found
    assert_like(np.asarray(first), outputs(model, x))


@needs_compiler
@pytest.mark.parametrize("name", sampled(NETWORKS, 2))
def test_c_gives_what_the_network_gives(name, tmp_path):
    model, shape, dtype = NETWORKS[name]()
    x = rows(shape, dtype, 40)
    export(model, tmp_path / "net.c", x[:1])
    if isinstance(model, nn.GRU):
        pytest.skip("has two results; its golden vectors were compared when it was written")
    expected = outputs(model, x)
    found = called(compiled(tmp_path / "net.c").net, x, expected.shape[1:])
    assert_like(found, expected)


@pytest.mark.full
@needs_compiler
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "lstm"])
def test_ten_thousand_rows(name, compiler, tmp_path):
    model, shape, dtype = NETWORKS[name]()
    x = rows(shape, dtype, 10_000)
    export(model, tmp_path / "net.py", x[:1])
    export(model, tmp_path / "net.c", x[:1])
    expected = outputs(model, x)
    with np.errstate(all="ignore"):
        assert_like(np.asarray(loaded(tmp_path / "net.py", "net")["net"](x)), expected)
    found = called(compiled(tmp_path / "net.c", compiler).net, x, expected.shape[1:])
    assert_like(found, expected)


@needs_compiler
@pytest.mark.parametrize("compiler", sampled(COMPILERS, 2))
def test_golden_vectors_run_under_sanitizers(compiler, tmp_path):
    model, shape, _ = NETWORKS["gelu"]()
    export(model, tmp_path / "net.c", np.ones((1, *shape)))
    flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DNET_MAIN"]
    program = tmp_path / "golden"
    command = [compiler, *STRICT, *flags, str(tmp_path / "net.c"), "-o", str(program)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    done = subprocess.run([str(program)], check=True, capture_output=True, text=True)
    assert done.stdout == "8 golden vectors: ok\n"


@needs_compiler
def test_a_changed_weight_fails_the_golden_vectors(tmp_path):
    export(nn.MLP(2, 3, 1, rng=0), tmp_path / "net.c", np.ones((1, 2), F32))
    text = (tmp_path / "net.c").read_text()
    first = re.search(r"layers_0_weight\[\d+\] = \{\s*(\S+),", text)[1]
    (tmp_path / "net.c").write_text(text.replace(first, "3.5f", 1))
    command = [COMPILERS[0], "-std=c99", "-DNET_MAIN", "net.c", "-o", "golden"]
    subprocess.run(command, check=True, cwd=tmp_path)
    assert subprocess.run([str(tmp_path / "golden")], capture_output=True).returncode == 1


@needs_compiler
def test_fast_math_is_refused_by_the_compiler(tmp_path):
    export(nn.MLP(2, 3, 1, rng=0), tmp_path / "net.c", np.ones((1, 2), F32))
    command = [COMPILERS[0], "-ffast-math", "-c", "net.c", "-o", "net.o"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode
    assert "-ffast-math changes the results" in done.stderr


@needs_compiler
def test_c_needs_no_library(tmp_path):
    export(nn.MLP(5, 8, 2, activation="gelu", rng=0), tmp_path / "net.c", np.ones((1, 5), F32))
    text = (tmp_path / "net.c").read_text()
    own = set(re.findall(r"\bnet_\w+", text))
    calls = set(re.findall(r"\b([a-z]\w*)\(", text.partition("#ifdef NET_MAIN")[0]))
    assert calls - own <= {"net", "memcpy", "memset", "defined", "for", "if", "while"} | {"error"}
    assert "malloc" not in text


@needs_compiler
def test_an_index_out_of_range_is_told_and_reads_nothing(tmp_path):
    export(nn.Embedding(5, 3, rng=0), tmp_path / "net.c", np.array([[1, 2]]))
    function = compiled(tmp_path / "net.c").net
    y = np.zeros(6, F32)
    for wrong in (5, -1, -5, -6, 2**62, -(2**63)):
        given = np.array([[1, wrong]])
        assert function(given.ctypes.data_as(ctypes.c_void_p), y.ctypes.data_as(ctypes.c_void_p))
    assert not y.any()


@needs_compiler
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_a_pipeline_brings_its_scaler_and_its_classes(tmp_path):
    X = rng().normal(size=(60, 4)) * [1, 10, 100, 1000]
    y = np.array(["红", "b*/ ??/", 'c"\\'])[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0)]
    model = make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=3, random_state=0))
    model.fit(X, y)
    done = export(model, tmp_path / "net.py")
    # The weights of the network, under their own names.
    assert done.sizes["weights"] == 8 * (4 * 8 + 8 + 8 * 3 + 3)
    assert "linear_0_weight" in (tmp_path / "net.py").read_text()
    export(model, tmp_path / "net.c")
    python = loaded(tmp_path / "net.py", "net")
    assert python["LABELS"] == model.classes_.tolist()
    np.testing.assert_allclose(python["net"](X), model.predict_proba(X), rtol=1e-12)
    library = compiled(tmp_path / "net.c")
    np.testing.assert_allclose(called(library.net, X, (3,)), model.predict_proba(X), rtol=1e-12)
    labels = (ctypes.c_char_p * 3).in_dll(library, "net_labels")
    pointers = [row.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for row in X]
    found = [labels[library.net_predict(pointer)].decode() for pointer in pointers]
    assert found == model.predict(X).tolist()


@needs_compiler
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_missing_numbers_and_unseen_categories_are_exported(tmp_path):
    X = rng().normal(size=(60, 4))
    X[::7, 1], X[:, 3] = np.nan, rng().integers(0, 4, 60)
    model = MLPRegressor(
        hidden_layer_sizes=(8,),
        max_iter=3,
        missing="mean",
        categorical_features=[3],
        loss="quantile",
        quantile=[0.1, 0.5, 0.9],
        random_state=0,
    ).fit(X, X[:, 0])
    X[1, 3], X[2, 3], X[3, 0] = 99, np.nan, np.nan
    export(model, tmp_path / "net.py")
    export(model, tmp_path / "net.c")
    expected = model.predict(X)
    np.testing.assert_allclose(loaded(tmp_path / "net.py", "net")["net"](X), expected, rtol=1e-12)
    found = called(compiled(tmp_path / "net.c").net, X, expected.shape[1:])
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_a_function_that_is_called_as_one_of_scipy_is_exported(tmp_path):
    export(ad.special.erf, tmp_path / "net.py", np.ones(3))
    x = np.array([-1.0, 0.0, 2.0])
    expected = np.asarray(ad.special.erf(x))
    np.testing.assert_allclose(loaded(tmp_path / "net.py", "net")["net"](x), expected)


@needs_compiler
def test_a_gradient_is_exported_with_its_strong_products(tmp_path):
    gradient = ad.compile(ad.grad(lambda w: np.sum(np.where(w > 0, np.sqrt(w), 0.0))))
    x = np.array([0.0, 1.0, 4.0, -1.0])
    expected = gradient(x)
    export(gradient, tmp_path / "net.py")
    export(gradient, tmp_path / "net.c")
    np.testing.assert_allclose(loaded(tmp_path / "net.py", "net")["net"](x), expected)
    found = called(compiled(tmp_path / "net.c").net, x[np.newaxis], (4,))[0]
    np.testing.assert_allclose(found, expected)


def test_the_file_of_python_needs_numpy_alone(tmp_path):
    export(nn.MLP(5, 8, 2, activation="gelu", rng=0), tmp_path / "net.py", np.ones((1, 5), F32))
    block = "import sys; sys.modules.update(adjoint=None, scipy=None); import runpy; "
    run = f"runpy.run_path({str(tmp_path / 'net.py')!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", block + run], capture_output=True, text=True)
    assert done.stdout == "golden vectors: ok\n"


def test_python_refuses_other_shapes(tmp_path):
    export(nn.MLP(5, 8, 2, rng=0), tmp_path / "net.py", np.ones((1, 5), F32))
    with pytest.raises(ValueError, match=r"expected \(n, 5\), got \(3, 4\)"):
        loaded(tmp_path / "net.py", "net")["net"](np.ones((3, 4)))


@pytest.mark.parametrize("suffix", ["py", "c"])
def test_a_refusal_names_the_part_and_writes_nothing(suffix, tmp_path):
    with pytest.raises(ExportError, match=r"i0\b"):
        export(lambda x: np.i0(x) + np.cumsum(x), tmp_path / f"net.{suffix}", np.ones(3))
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_an_unknown_step_is_refused_by_name(tmp_path):
    X, y = rng().normal(size=(30, 2)), rng().integers(0, 2, 30)
    model = make_pipeline(PowerTransformer(), MLPClassifier((2,), max_iter=3, random_state=0))
    model.fit(X, y)
    with pytest.raises(ExportError, match="'powertransformer' is a PowerTransformer"):
        export(model, tmp_path / "net.py")


@pytest.mark.parametrize(
    ("subject", "examples", "message"),
    [
        (MLPClassifier(), (), "not fitted"),
        (nn.Linear(2, 1, rng=0), (), "example of its input"),
        (3, (), "expected a module"),
        (np.sin, (), "examples of its arguments"),
        (np.sin, (np.ones(2, np.float16),), "dtype float16"),
    ],
)
def test_what_cannot_be_exported_says_why(subject, examples, message, tmp_path):
    with pytest.raises(ExportError, match=message):
        export(subject, tmp_path / "net.py", *examples)


def test_an_unknown_target_names_the_known_ones(tmp_path):
    with pytest.raises(ExportError, match="expected one of py, c"):
        export(np.sin, tmp_path / "net.exe", np.ones(2))


def test_a_module_goes_back_to_training(tmp_path):
    model = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Dropout(0.5, rng=0))
    model.train()
    export(model, tmp_path / "net.py", np.ones((1, 2), F32))
    assert model.training


def test_names_are_legal_and_differ():
    texts = ["a.b", "a b", "for", "double", "2x", "红", "绿", "", "a_b_2"]
    found = identifiers(texts)
    assert len(set(found)) == len(texts)
    assert all(name.isidentifier() and name.isascii() for name in found)
    assert found[0] == "a_b"
    assert found[2] == "for_"


@pytest.mark.parametrize("name", ["f", "print", "leaves", "x0", "forward", "math", "len", "zip"])
def test_a_name_that_the_file_uses_itself_does_no_harm(name, tmp_path):
    def f(x):
        return x * 2

    export(f, tmp_path / f"{name}.py", np.ones(3))
    called_so = name if name in ("f", "leaves", "x0", "forward") else f"{name}_"
    np.testing.assert_array_equal(
        loaded(tmp_path / f"{name}.py", "net")[called_so](np.ones(3)), 2 * np.ones(3)
    )


def test_weights_may_be_called_as_what_python_has(tmp_path):
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            for name in ("print", "x0", "leaves", "len", "np", "found"):
                setattr(self, name, nn.Parameter(np.array([1.0, -0.0])))

        def forward(self, x):
            return x * self.print + self.x0 + self.leaves + self.len + self.np

    export(Odd(), tmp_path / "net.py", np.ones((1, 2)))
    assert loaded(tmp_path / "net.py", "net")["net"](np.ones((1, 2))).tolist() == [[5.0, 0.0]]


@needs_compiler
@pytest.mark.parametrize("name", ["printf", "memcpy", "abs", "FLT_MAX", "int64_t", "sin"])
def test_a_name_of_the_library_gets_a_letter_more(name, tmp_path):
    export(nn.Linear(2, 1, rng=0), tmp_path / f"{name}.c", np.ones((1, 2), F32))
    assert hasattr(compiled(tmp_path / f"{name}.c"), f"{name}_")


@pytest.mark.parametrize("file", ["y.c", "n.c", "golden_x.c", 'we"ird.c', "a\\b.c", "a\nb.c"])
def test_a_name_that_c_cannot_have_is_refused(file, tmp_path):
    with pytest.raises(ExportError, match="choose another"):
        export(nn.Linear(2, 1, rng=0), tmp_path / file, np.ones((1, 2), F32))
    assert not list(tmp_path.iterdir())


def test_a_header_is_no_place_for_the_source(tmp_path):
    for name in ("net.h", "net.H"):
        with pytest.raises(ExportError, match="would be the header too"):
            export(nn.Linear(2, 1, rng=0), tmp_path / name, np.ones((1, 2), F32), to="c")


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_a_header_of_another_export_is_an_error(tmp_path):
    export(nn.Linear(2, 1, rng=0), tmp_path / "net.c", np.ones((1, 2), F32))
    header = (tmp_path / "net.h").read_text()
    export(nn.Linear(3, 1, rng=0), tmp_path / "net.c", np.ones((1, 3), F32))
    command = ["cc", "-std=c99", "-c", "-Wall", "-Werror", "-Wundef", "net.c", "-o", "net.o"]
    subprocess.run(command, cwd=tmp_path, check=True)
    (tmp_path / "net.h").write_text(header)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode
    assert "written with another file" in done.stderr


class Wide(nn.Module):
    """A network of float32 whose results are float64, as those of a table are."""

    def __init__(self):
        self.network = nn.MLP(5, 64, 64, 2, activation="tanh", dtype=F32, rng=0)

    def forward(self, x):
        return ad.astype(self.network(x), dtype=np.float64)


@pytest.mark.parametrize("suffix", [".c", ".wasm", ".onnx"])
def test_golden_vectors_may_differ_as_much_as_what_computes_them(suffix, tmp_path):
    if suffix == ".onnx":
        pytest.importorskip("onnxruntime")
    done = export(Wide(), tmp_path / f"net{suffix}", np.ones((1, 5), F32))
    assert done.tested.startswith(("golden vectors", "onnx.checker: ok; golden vectors"))


@pytest.mark.parametrize("result", [None, "text", 1j])
def test_a_result_that_is_no_number_is_refused(result, tmp_path):
    with pytest.raises(ExportError, match="expected arrays of numbers"):
        export(lambda x: (x, result), tmp_path / "net.py", np.ones(3))
    assert not list(tmp_path.iterdir())


def test_neither_file_of_c_changes_where_one_cannot_be_written(tmp_path):
    (tmp_path / "net.h").write_text("mine")
    (tmp_path / "net.c").mkdir()
    with pytest.raises(OSError, match=r"net\.c"):
        export(nn.Linear(2, 1, rng=0), tmp_path / "net.c", np.ones((1, 2), F32))
    assert (tmp_path / "net.h").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(not shutil.which("g++") or not shutil.which("gcc"), reason="needs gcc and g++")
def test_two_networks_whose_names_differ_in_case_meet_in_a_program_of_cpp(tmp_path):
    (tmp_path / "b").mkdir()
    export(nn.Linear(2, 1, rng=0), tmp_path / "net.c", np.ones((1, 2), F32))
    export(nn.Linear(2, 1, rng=1), tmp_path / "b" / "NET.c", np.ones((1, 2), F32))
    main = "int main() { float x[2] = {1, 2}; double y[1]; return net(x, y) || NET(x, y); }\n"
    (tmp_path / "main.cpp").write_text(f'#include "net.h"\n#include "b/NET.h"\n{main}')
    for source in ("net.c", "b/NET.c"):
        subprocess.run(["gcc", *STRICT, "-c", source], cwd=tmp_path, check=True)
    command = ["g++", "-Wall", "-Werror", "-pedantic", "main.cpp", "net.o", "NET.o", "-o", "main"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert subprocess.run([str(tmp_path / "main")]).returncode == 0


@pytest.mark.skipif(not COMPILERS or not shutil.which("size"), reason="needs a compiler and size")
def test_the_header_states_the_size_of_the_code(tmp_path):
    done = export(nn.Linear(2, 1, rng=0), tmp_path / "net.c", np.ones((1, 2), F32))
    assert done.sizes["code"] > 0
    assert f"Its code takes {done.sizes['code']} bytes" in (tmp_path / "net.h").read_text()


def test_without_a_compiler_the_header_says_that_the_code_was_not_measured(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    done = export(nn.Linear(2, 1, rng=0), tmp_path / "net.c", np.ones((1, 2), F32))
    assert "code" not in done.sizes
    assert "The size of its code was not measured" in (tmp_path / "net.h").read_text()


def test_a_frozen_part_stays_in_evaluation_mode(tmp_path):
    model = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Dropout(0.5, rng=0))
    model.train()
    frozen = list(model.modules())[-1]
    frozen.training = False
    export(model, tmp_path / "net.py", np.ones((1, 2), F32))
    assert model.training
    assert not frozen.training


def test_a_number_of_rows_that_divides_is_one_factor():
    assert for_any_rows("x / 202", "x / 206", "rows") == "x / (2 * rows)"


def test_a_comment_of_c_holds_no_trigraph():
    assert "??" not in comment("a???/ b??/ ????=")
    assert "*/" not in comment("a*/ **// /*/")


def test_a_function_without_results_is_refused_in_c(tmp_path):
    with pytest.raises(ExportError, match="gives no array"):
        export(lambda x: [], tmp_path / "net.c", np.ones(3))


@needs_compiler
def test_a_loop_over_parameters_is_written_without_a_compiler_to_test_it(tmp_path, monkeypatch):
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Parameter(np.array([1.0, 2.0])), nn.Parameter(np.array([3.0, 4.0]))

        def forward(self, x):
            for name, parameter in self.named_parameters():
                x = x * 2 + parameter if name == "a" else x + parameter
            return x

    with monkeypatch.context() as without:
        without.setenv("PATH", "")
        done = export(Sum(), tmp_path / "net.c", np.ones((1, 2)))
    assert "not run" in done.tested
    found = called(compiled(tmp_path / "net.c").net, np.array([[1.0, 10.0]]), (2,))
    assert found.tolist() == [[6.0, 26.0]]


@needs_compiler
def test_an_index_of_a_function_counts_from_the_end_and_stays_in_range(tmp_path):
    export(lambda x, at: x[at], tmp_path / "net.c", np.arange(4.0), np.array([0]))
    library, x, y = compiled(tmp_path / "net.c"), np.array([1.0, 2.0, 3.0, 4.0]), np.zeros(1)

    def taken(at):
        arrays = x, np.array([at]), y
        return library.net(*(array.ctypes.data_as(ctypes.c_void_p) for array in arrays)), y[0]

    assert [taken(at) for at in (0, 3, -1, -4)] == [(0, 1.0), (0, 4.0), (0, 4.0), (0, 1.0)]
    # These would read beside the array, and the others nowhere near.
    assert [taken(at)[0] for at in (4, -5)] == [1, 1]
    assert [taken(at)[0] for at in (2**62, -(2**63), 2**32)] == [1, 1, 1]


def rounded(x):
    """Return what the library of C would be asked for, of every entry."""
    return np.stack(
        [np.sqrt(x), np.floor(x), np.ceil(x), np.trunc(x), np.rint(x), np.copysign(2, x), abs(x)]
    )


def ends(x):
    """Return the greatest and the least entries of rows, and where they are."""
    return np.stack([x.max(1), x.min(1), x.argmax(1).astype(x.dtype), x.argmin(1).astype(x.dtype)])


@needs_compiler
@pytest.mark.parametrize("dtype", [F64, F32])
def test_functions_of_the_library_are_those_of_numpy_at_special_numbers(dtype, tmp_path):
    info = np.finfo(dtype)
    size = [0.0, 0.4, 0.5, 1.5, 2.0, 2.5, 1e10, info.tiny, info.smallest_subnormal, info.max]
    x = np.array([*size, *np.negative(size), np.inf, -np.inf, np.nan], dtype)
    export(rounded, tmp_path / "net.c", x)
    with np.errstate(all="ignore"):
        expected = rounded(x)
    found = called(compiled(tmp_path / "net.c").net, x[np.newaxis], expected.shape)[0]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found[5]), np.signbit(expected[5]))


@needs_compiler
def test_the_ends_of_rows_are_those_of_numpy_with_nan(tmp_path):
    nan = np.nan
    x = np.array([[1, nan, 3], [nan, 5, nan], [2, 7, nan], [4, 4, 4], [-np.inf, 0, np.inf]], F64)
    export(ends, tmp_path / "net.c", x)
    expected = ends(x)
    found = called(compiled(tmp_path / "net.c").net, x[np.newaxis], expected.shape)[0]
    np.testing.assert_array_equal(found, expected)


@needs_compiler
def test_a_label_out_of_range_is_told(tmp_path):
    loss = nn.CrossEntropyLoss()
    export(lambda z, label: loss(z, label), tmp_path / "net.c", np.ones((1, 3)), np.array([0]))
    library, z, y = compiled(tmp_path / "net.c"), np.zeros((1, 3)), np.zeros(1)

    def status(label):
        arrays = z, np.array([label]), y
        return library.net(*(array.ctypes.data_as(ctypes.c_void_p) for array in arrays))

    assert [status(label) for label in (0, 2, 3, -1)] == [0, 0, 1, 1]
    np.testing.assert_allclose(y[0], np.log(3), rtol=1e-15)
