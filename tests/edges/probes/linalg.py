"""Linear algebra of singular, empty and one-by-one matrices, and of equal eigenvalues."""

from math import inf

import numpy as np

from .probe import DERIVATIVE, EMPTY, LEAST_NORM, TIES, Family, at, gradient, hessian, refused

COFACTORS = "derivative: the cofactors, which need no inverse (Jacobi's formula; Giles 2008, 2.2.4)"
SINGULAR = "no value: NumPy refuses, and says why"
TRACE = "derivative of a symmetric function of the eigenvalues: the trace (Kato 1995, II.2)"
EYE = [[1.0, 0.0], [0.0, 1.0]]
ONES = [[1.0, 1.0], [1.0, 1.0]]

FAMILY = Family(
    "Linear algebra",
    [
        gradient("np.linalg.det(x)", at(x=[[1.0, 2.0], [2.0, 4.0]]), [[4, -2], [-2, 1]], COFACTORS),
        gradient("np.linalg.det(x)", at(x=[[0.0, 0.0], [0.0, 0.0]]), [[0, 0], [0, 0]], COFACTORS),
        gradient(
            "np.linalg.det(x)", at(x=np.ones((3, 3))), np.zeros((3, 3)), COFACTORS, atol=1e-15
        ),
        gradient(
            "np.linalg.det(x)",
            at(x=[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]),
            [[0, 0, 0], [0, 0, 0], [0, 0, 1]],
            COFACTORS,
        ),
        gradient("np.linalg.det(x)", at(x=[[5.0]]), [[1]], DERIVATIVE),
        gradient("np.linalg.det(x)", at(x=np.zeros((0, 0))), np.zeros((0, 0)), EMPTY, value=1),
        hessian(
            "np.linalg.det(x)",
            at(x=[[0.0, 0.0], [0.0, 0.0]]),
            [[0, 0, 0, 1], [0, 0, -1, 0], [0, -1, 0, 0], [1, 0, 0, 0]],
            COFACTORS,
        ),
        gradient(
            "np.linalg.slogdet(x)[1]",
            at(x=[[-2.0, 0.0], [0.0, 4.0]]),
            [[-0.5, 0], [0, 0.25]],
            DERIVATIVE,
        ),
        gradient(
            "np.linalg.slogdet(x)[1]",
            at(x=[[1e-200, 0.0], [0.0, 1e-200]]),
            [[1e200, 0], [0, 1e200]],
            "derivative, though the determinant underflows",
            single=False,
        ),
        gradient("np.linalg.inv(x)", at(x=[[2.0]]), [[-0.25]], DERIVATIVE),
        gradient("np.linalg.inv(x)", at(x=np.zeros((0, 0))), np.zeros((0, 0)), EMPTY),
        gradient("np.linalg.solve(a, b)", at(a=[[2.0]], b=[0.0]), ([[0]], [0.5]), DERIVATIVE),
        gradient("np.linalg.cholesky(x)", at(x=[[4.0]]), [[0.25]], DERIVATIVE),
        gradient("np.sum(np.linalg.eigvalsh(x))", at(x=[[2.0, 0.0], [0.0, 2.0]]), EYE, TRACE),
        gradient("np.sum(np.linalg.eigvalsh(x) ** 2)", at(x=EYE), [[2, 0], [0, 2]], TRACE),
        gradient("np.linalg.matrix_power(x, 0)", at(x=ONES), [[0, 0], [0, 0]], DERIVATIVE),
        gradient(
            "np.linalg.matrix_power(x, 2)",
            at(x=[[0.0, 0.0], [0.0, 0.0]]),
            [[0, 0], [0, 0]],
            DERIVATIVE,
        ),
        gradient("np.linalg.pinv(x)", at(x=[[2.0], [0.0]]), [[-0.25], [0.25]], DERIVATIVE),
        gradient("np.linalg.norm(x, 'fro')", at(x=np.zeros((2, 2))), np.zeros((2, 2)), LEAST_NORM),
        gradient(
            "np.linalg.norm(x, 'nuc')",
            at(x=[[1.0, 1.0], [1.0, 1.0]]),
            [[0.5, 0.5], [0.5, 0.5]],
            LEAST_NORM,
        ),
        gradient(
            "np.linalg.norm(x, 'nuc')",
            at(x=np.zeros((2, 2))),
            np.zeros((2, 2)),
            LEAST_NORM,
            also=[np.eye(2)],
        ),
        gradient(
            "np.linalg.norm(x, 2)",
            at(x=EYE),
            [[0.5, 0], [0, 0.5]],
            TIES,
            also=[[[1, 0], [0, 0]], [[0, 0], [0, 1]]],
        ),
        gradient("np.linalg.norm(x, 3)", at(x=[0.0, 0.0]), [0, 0], LEAST_NORM),
        gradient(
            "np.linalg.matrix_rank(x) * x[0, 0]",
            at(x=ONES),
            [[1, 0], [0, 0]],
            "a rank has no derivative",
        ),
        gradient("np.trace(x)", at(x=np.ones((2, 3))), [[1, 0, 0], [0, 1, 0]], DERIVATIVE),
        refused("np.sum(np.linalg.inv(x))", at(x=ONES), np.linalg.LinAlgError, "ingular", SINGULAR),
        refused(
            "np.sum(np.linalg.solve(x, y))",
            at(x=ONES, y=[1.0, 1.0]),
            np.linalg.LinAlgError,
            "ingular",
            SINGULAR,
        ),
        refused(
            "np.sum(np.linalg.cholesky(x))",
            at(x=[[-1.0]]),
            np.linalg.LinAlgError,
            "ositive definite",
            SINGULAR,
        ),
        refused(
            "np.linalg.slogdet(x)[1]",
            at(x=ONES),
            np.linalg.LinAlgError,
            "ingular",
            "no derivative: log 0",
            also=[[[inf, -inf], [-inf, inf]]],
        ),
        refused(
            "np.linalg.eigh(x)[1][0, 0]",
            at(x=EYE),
            np.linalg.LinAlgError,
            "the vectors of a repeated eigenvalue (1) have no derivative",
            "no derivative: any basis of the space would do",
        ),
        refused(
            "np.sum(np.linalg.eigvals(x))",
            at(x=EYE),
            TypeError,
            "complex numbers",
            "complex numbers are out of scope",
        ),
        refused("np.linalg.det(x)", at(x=np.ones((2, 3))), ValueError, "square", "no value"),
    ],
)
