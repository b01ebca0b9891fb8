"""What has no derivative, or no value, and is refused in words."""

import numpy as np

import adjoint as ad

from .probe import Family, at, refused

NO_VALUE = "no value"
CUT = "it would cut the graph: a zero gradient, silently"
SHAPES = "the shapes do not fit"
COMPLEX = "complex numbers are out of scope"

FAMILY = Family(
    "Refusals",
    [
        refused("np.max(x)", at(x=[]), ad.ShapeError, "no entries to choose from", NO_VALUE),
        refused("np.min(x)", at(x=[]), ad.ShapeError, "no entries to choose from", NO_VALUE),
        refused(
            "np.sum(np.max(x, axis=0))",
            at(x=np.zeros((0, 3))),
            ad.ShapeError,
            "shape (0, 3) over axis 0",
            NO_VALUE,
        ),
        refused("np.sum(x, axis=2)", at(x=[1.0]), Exception, "axis 2", NO_VALUE),
        refused("x[5]", at(x=[1.0, 2.0]), IndexError, "[5] does not fit shape (2,)", NO_VALUE),
        refused("x[0.5]", at(x=[1.0, 2.0]), TypeError, "indices must be integers", NO_VALUE),
        refused("x[np.array([0, 7])][0]", at(x=[1.0, 2.0]), IndexError, "shape (2,)", NO_VALUE),
        refused(
            "np.sum(x + y)",
            at(x=[1.0, 2.0, 3.0], y=[1.0, 2.0]),
            ad.ShapeError,
            "(3,), (2,)",
            SHAPES,
        ),
        refused(
            "np.sum(x @ y)",
            at(x=np.ones((5, 3)), y=np.ones((4, 2))),
            ad.ShapeError,
            "inner sizes differ, (5, 3) @ (4, 2)",
            SHAPES,
        ),
        refused("x @ y", at(x=2.0, y=3.0), ad.ShapeError, "use * for a scale", SHAPES),
        refused("np.reshape(x, (3,))[0]", at(x=[1.0, 2.0]), ad.ShapeError, "reshape", SHAPES),
        refused(
            "np.concatenate([x, y])[0, 0]",
            at(x=np.ones((2, 3)), y=np.ones((2, 2))),
            ad.ShapeError,
            "(2, 3), (2, 2)",
            SHAPES,
        ),
        refused(
            "x * 2.0",
            at(x=[1.0, 2.0]),
            ad.ShapeError,
            "shape (2,), not a single number",
            "the gradient of many numbers is a Jacobian",
            also=[[2, 2]],
        ),
        refused(
            "x * x",
            at(x=np.array(True)),
            TypeError,
            "only floats have derivatives",
            "a boolean does not vary",
        ),
        refused(
            "np.sum(x)",
            at(x=np.array([1, 2])),
            TypeError,
            "only floats have derivatives",
            "an integer does not vary",
        ),
        refused("np.sum(x)", at(x=np.array([1j])), TypeError, "complex", COMPLEX),
        refused("np.sum(x * 1j)", at(x=[1.0]), TypeError, "complex", COMPLEX),
        refused("np.sum(x)", at(x=np.array(["a"])), TypeError, "only", "text does not vary"),
        refused("float(x) ** 2 + 0 * x", at(x=3.0), TypeError, "x.item()", CUT),
        refused("int(x) * x", at(x=3.0), TypeError, "x.item()", CUT, also=[3]),
        refused(
            "np.asarray(x, float)[0] * x[0]", at(x=[3.0]), TypeError, "detach", CUT, also=[[6]]
        ),
        refused("np.array([x, x])[0]", at(x=3.0), TypeError, "detach", CUT, also=[1]),
        refused(
            "y = np.zeros(2); y[0] = x; np.sum(y)",
            at(x=3.0),
            ValueError,
            "x.item()",
            CUT,
            also=[1],
        ),
        refused("__import__('math').exp(x)", at(x=3.0), TypeError, "x.item()", CUT),
        refused("np.fft.fft(x)[0]", at(x=[1.0, 2.0]), TypeError, "fft", CUT),
        refused(
            "np.sum(x, where=np.array([True, False]))",
            at(x=[1.0, 2.0]),
            TypeError,
            "where",
            CUT,
            also=[[1, 0]],
        ),
        refused("np.exp(x, out=np.zeros(()))", at(x=1.0), TypeError, "out", CUT, also=[np.e]),
        refused(
            "x[0] = 5.0; np.sum(x)",
            at(x=[1.0, 2.0]),
            ad.GraphError,
            "leaf",
            "its gradient would be another value's",
            also=[[0, 1]],
        ),
        refused(
            "y = x * 1.0; y[0][1] = 5.0; np.sum(y)",
            at(x=[[1.0, 2.0]]),
            Exception,
            "[0, 1]",
            "a slice has no memory of its own: the assignment would be lost",
            also=[[[1, 0]]],
        ),
        refused(
            "y = x * 1.0; z = y[:1]; z *= 2.0; np.sum(y)",
            at(x=[1.0, 2.0]),
            ad.GraphError,
            "x[:2] *= v",
            "a slice has no memory of its own: the assignment would be lost",
            also=[[2, 1]],
        ),
        refused(
            "y = x; y *= 2.0; y * x",
            at(x=[3.0]),
            ad.GraphError,
            "leaf",
            "it would change the caller's array",
            also=[[24]],
        ),
    ],
)
