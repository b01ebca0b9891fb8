"""NumPy's linear algebra under NumPy's names: each function differentiates, or says why not."""

from .ops.axes import matrix_transpose
from .ops.contractions import multi_dot, tensordot, vecdot
from .ops.determinants import cofactor, det, slogdet
from .ops.eigen import eig, eigh, eigvals, eigvalsh
from .ops.factorisations import cholesky, qr
from .ops.matrices import matrix_rank
from .ops.norms import cond, matrix_norm, norm, vector_norm
from .ops.products import matmul
from .ops.solvers import inv, lstsq, matrix_power, pinv, solve, tensorinv, tensorsolve
from .ops.svd import svd, svdvals

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
