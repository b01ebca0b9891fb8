"""Angles: huge arguments, the ends of the inverse functions' domains, the origin of the plane."""

from math import cos, inf, nan, pi

from .probe import DERIVATIVE, LIMIT, OVERFLOW, UNDEFINED, Family, at, gradient, hessian

ORIGIN = "convention: 0 where the angle jumps (PyTorch: torch.atan2)"
REMOVABLE = "derivative: the removable singularity is removed (NumPy: sinc)"
STEEP = "limit of the derivative: a vertical tangent"

FAMILY = Family(
    "Trigonometric and hyperbolic functions",
    [
        gradient("np.sin(x)", at(x=1e22), cos(1e22), DERIVATIVE, single=False),
        gradient("np.sin(x)", at(x=inf), nan, UNDEFINED),
        gradient("np.tan(x)", at(x=0.0), 1, DERIVATIVE),
        gradient("np.arcsin(x)", at(x=[-1.0, 1.0]), [inf, inf], STEEP),
        gradient("np.arccos(x)", at(x=[-1.0, 1.0]), [-inf, -inf], STEEP),
        gradient("np.arctan(x)", at(x=[-inf, 0.0, inf]), [0, 1, 0], LIMIT),
        gradient("np.arctan(x)", at(x=1e30), 0, LIMIT, atol=1e-59),
        hessian("np.arctan(x)", at(x=inf), 0, LIMIT),
        hessian("np.arcsin(x)", at(x=0.0), 0, DERIVATIVE),
        gradient("np.arctan2(x, y)", at(x=0.0, y=0.0), (0, 0), ORIGIN, also=[(nan, nan)]),
        gradient("np.arctan2(x, y)", at(x=0.0, y=-1.0), (-1, 0), DERIVATIVE),
        gradient("np.arctan2(x, y)", at(x=1.0, y=0.0), (0, -1), DERIVATIVE),
        gradient(
            "np.arctan2(x, y)", at(x=1e200, y=1e200), (5e-201, -5e-201), OVERFLOW, single=False
        ),
        gradient(
            "np.arctan2(x, y)", at(x=1e-200, y=1e-200), (5e199, -5e199), OVERFLOW, single=False
        ),
        gradient("np.sinc(x)", at(x=0.0), 0, REMOVABLE),
        gradient("np.sinc(x)", at(x=[-1.0, 1.0]), [1, -1], DERIVATIVE),
        hessian("np.sinc(x)", at(x=0.0), -(pi**2) / 3, REMOVABLE),
        gradient("np.sinc(x)", at(x=1e-9), -(pi**2) / 3 * 1e-9, REMOVABLE),
        gradient("np.sinh(x)", at(x=[0.0, 1e4]), [1, inf], LIMIT),
        gradient("np.cosh(x)", at(x=[0.0, -1e4]), [0, -inf], LIMIT),
        gradient("np.arcsinh(x)", at(x=[0.0, -1e200]), [1, 1e-200], OVERFLOW, single=False),
        gradient("np.arcsinh(x)", at(x=[-inf, inf]), [0, 0], LIMIT),
        gradient("np.arccosh(x)", at(x=1.0), inf, STEEP),
        gradient("np.arccosh(x)", at(x=1e200), 1e-200, OVERFLOW, single=False),
        gradient("np.arctanh(x)", at(x=[-1.0, 1.0]), [inf, inf], LIMIT),
        gradient("np.arctanh(x)", at(x=1e-20), 1, DERIVATIVE, value=1e-20),
        gradient(
            "np.arctanh(x)",
            at(x=1 - 2.0**-53),
            1 / (2.0**-53 * (2 - 2.0**-53)),
            "derivative: (1 - x)(1 + x) does not cancel (Higham 2002, section 1.7)",
            single=False,
        ),
        gradient(
            "np.arcsin(x)",
            at(x=1 - 2.0**-53),
            (2.0**-53 * (2 - 2.0**-53)) ** -0.5,
            "derivative: (1 - x)(1 + x) does not cancel (Higham 2002, section 1.7)",
            single=False,
        ),
    ],
)
