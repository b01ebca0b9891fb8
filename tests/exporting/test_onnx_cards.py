"""Every card is in ONNX what it is here, at special numbers too, or is refused by name."""

import importlib

import numpy as np
import pytest

from adjoint.core import PRIMITIVES
from adjoint.core.tree import leaves
from adjoint.exporting.onnx_model import onnx_file
from adjoint.exporting.refusal import ExportError
from adjoint.exporting.subject import Subject
from cards import card_programs
from sampled import sampled

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
importlib.import_module("adjoint.special")  # which registers more cards
SPECIAL = {
    np.float64: "nan inf -inf 0 -0. 5e-324 -1e-310 1e-200 1e200 -1e200 1e308 -1e308",
    np.float32: "nan inf -inf 0 -0. 1e-45 -1e-40 1e-30 1e30 -1e30 3e38 -3e38",
}
# Sums and products of several factors come in another order here, and meet other infinities.
REORDERED = ("named_product", "strong_einsum", "matmul", "convolution", "strong_convolution")
# Sums begin with 0 in NumPy alone, the greater of two zeros is either, and Where makes 0 of -0.
UNSIGNED_ZEROS = ("fmax", "fmin", "log1p", "mean", "relu", "strong_multiply", "sum", "xlog1py")
# They are refused in both dtypes; whatever is not listed is exported.
REFUSED = [
    "arctan2",
    "argpartition",
    "argsort",
    "bessel_i",
    "bessel_ie",
    "bessel_j",
    "bessel_k",
    "bessel_y",
    "beta",
    "betaln",
    "checked",
    "cholesky",
    "cofactor",
    "cosm1",
    "cumprod",
    "det",
    "digamma",
    "digamma_slope",
    "eigh_packed",
    "entr",
    "erfcinv",
    "erfcx",
    "erfinv",
    "gamma",
    "gammaln",
    "guarded",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "interval",
    "inv",
    "j0",
    "j1",
    "k0",
    "k1",
    "kl_div",
    "last_named",
    "ldexp",
    "linear_recurrence",
    "log_ndtr",
    "loggamma",
    "matrix_rank",
    "ndtri",
    "pseudo_inverse",
    "qr_packed",
    "rel_entr",
    "searchsorted",
    "sinc",
    "slogdet_packed",
    "solve",
    "svd_packed",
    "uniform",
    "unwrap",
    "with_full_rank",
    "y0",
    "y1",
]


def exported(function, args):
    """Return what runs a function of arrays in onnxruntime."""
    names = tuple(f"x{n}" for n in range(len(args)))
    expected = [np.asarray(y) for y in leaves(function(*args))]
    subject = Subject(function, tuple(args), "a card", names=names)
    content, *_ = onnx_file(subject, "card", args, expected)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
    return lambda *points: session.run(None, dict(zip(names, points, strict=True)))


def points(args, dtype, *, special):
    yield args
    texts = SPECIAL[dtype].split() if special else []
    for text in texts:
        for n, x in enumerate(args):
            if x.dtype.kind == "f" and x.size:
                point = [y.copy() for y in args]
                point[n].flat[np.random.default_rng(0).integers(x.size)] = text
                yield point


def assert_alike(found, expected, dtype, *, signed_zeros):
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
        # Differences that cancel leave the rounding of ones.
        rtol, atol = (1e-10, 1e-15) if dtype == np.float64 else (1e-4, 1e-6)
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)
        if signed_zeros and ours.dtype.kind == "f":
            zeros = (ours == 0) & (theirs == 0)
            np.testing.assert_array_equal(np.signbit(ours[zeros]), np.signbit(theirs[zeros]))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", sampled(sorted(set(PRIMITIVES) - set(REFUSED)), 20))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, at a domain's edge
def test_a_card_gives_the_same_in_onnxruntime(name, dtype, full):
    tried, count = 0, 0
    for function, args in card_programs(name, dtype):
        if function.__name__ != "value" or not all(x.size for x in args):
            continue
        tried += 1
        try:
            run = exported(function, args)
        except ExportError:
            continue
        count += 1
        for point in points(args, dtype, special=name not in REORDERED):
            with np.errstate(all="ignore"):
                try:
                    expected = [np.asarray(y) for y in leaves(function(*point))]
                except (ValueError, OverflowError, np.linalg.LinAlgError):
                    continue
            signed = name not in UNSIGNED_ZEROS
            assert_alike(run(*point), expected, dtype, signed_zeros=signed)
    is_told = not tried or dtype == np.float64  # for which there may be no kernel
    assert count or is_told, "no program of it is exported: list it among the refused"


@pytest.mark.parametrize("name", sampled(REFUSED, 5))
def test_what_is_refused_is_refused_by_name(name):
    for function, args in card_programs(name, np.float64):
        if function.__name__ == "value" and all(x.size for x in args):
            with pytest.raises(ExportError, match=r"ONNX( has no|: )"):
                exported(function, args)
