"""NumPy's linear algebra under NumPy's names: each function differentiates, or says why not."""

from .axes import matrix_transpose
from .contractions import multi_dot, tensordot, vecdot
from .determinants import cofactor, det, slogdet
from .eigen import eig, eigh, eigvals, eigvalsh
from .factorisations import cholesky, qr
from .matrices import matrix_rank
from .norms import cond, matrix_norm, norm, vector_norm
from .products import matmul
from .solvers import inv, lstsq, matrix_power, pinv, solve, tensorinv, tensorsolve
from .svd import svd, svdvals

__all__ = [
    "cholesky",
    "cofactor",
    "cond",
    "det",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "vecdot",
    "vector_norm",
]
