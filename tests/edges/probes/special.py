"""Special functions at their poles, in their tails and at 0·log 0."""

from math import exp, inf, log, nan, pi, sqrt

from .probe import DERIVATIVE, LIMIT, Family, at, gradient, hessian

BELL = 2 / sqrt(pi)
EULER = 0.5772156649015329
BASEL = pi**2 / 6
NOT_COUNTED = "convention: 0 where 0·log 0 counts as 0 (PyTorch: torch.xlogy)"
TAIL = "derivative: the ratio of two vanishing numbers (DLMF 7.12.1)"
FAR = "limit of the derivative (DLMF 5.11.2)"
POLE = "limit: a vertical tangent"

FAMILY = Family(
    "Special functions",
    [
        gradient("np.special.erf(x)", at(x=[-inf, 0.0, 30.0]), [0, BELL, 0], LIMIT),
        gradient("np.special.erfc(x)", at(x=[0.0, inf]), [-BELL, 0], LIMIT),
        gradient("np.special.erfinv(x)", at(x=[-1.0, 0.0, 1.0]), [inf, 1 / BELL, inf], POLE),
        hessian("np.special.erf(x)", at(x=30.0), 0, LIMIT),
        gradient("np.special.ndtr(x)", at(x=[-1e4, 0.0]), [0, 1 / sqrt(2 * pi)], LIMIT),
        gradient("np.special.ndtri(x)", at(x=[0.0, 0.5]), [inf, sqrt(2 * pi)], POLE),
        gradient("np.special.log_ndtr(x)", at(x=[-1e4, 1e4]), [1e4, 0], TAIL, rtol=2e-8),
        gradient("x * np.special.ndtr(x)", at(x=[-1e4, 0.0, 1e4]), [0, 0.5, 1], "limit: gelu"),
        gradient(
            "np.special.expit(x)",
            at(x=[-40.0, 40.0]),
            [exp(-40)] * 2,
            DERIVATIVE,
            also=[[exp(-40), 0]],
        ),
        gradient("np.special.log_expit(x)", at(x=[-1e4, 1e4]), [1, 0], LIMIT, value=[-1e4, 0]),
        gradient("np.special.logit(x)", at(x=[0.0, 0.5, 1.0]), [inf, 4, inf], POLE),
        gradient("np.special.xlogy(x, y)", at(x=0.0, y=2.0), (log(2.0), 0), DERIVATIVE),
        gradient(
            "np.special.xlogy(x, y)",
            at(x=0.0, y=0.0),
            (0, 0),
            NOT_COUNTED,
            also=[(-inf, 0), (0, nan)],
        ),
        gradient("np.special.xlogy(x, y)", at(x=2.0, y=0.0), (-inf, inf), LIMIT),
        gradient(
            "np.special.xlog1py(x, y)", at(x=0.0, y=-1.0), (0, 0), NOT_COUNTED, also=[(-inf, 0)]
        ),
        gradient("np.special.xlog1py(x, y)", at(x=1.0, y=1e-20), (1e-20, 1), DERIVATIVE),
        gradient("np.special.entr(x)", at(x=[0.0, 1.0]), [inf, -1], POLE, value=[0, 0]),
        gradient("np.special.rel_entr(x, y)", at(x=1.0, y=1.0), (1, -1), DERIVATIVE),
        gradient("np.special.kl_div(x, y)", at(x=1.0, y=1.0), (0, 0), DERIVATIVE),
        gradient("np.special.gammaln(x)", at(x=[1.0, 2.0]), [-EULER, 1 - EULER], DERIVATIVE),
        gradient("np.special.gammaln(x)", at(x=1e30), log(1e30), FAR),
        gradient("np.special.gammaln(x)", at(x=inf), inf, FAR, value=inf),
        gradient("np.special.gammaln(x)", at(x=-0.5), 0.03648997397857652, DERIVATIVE),
        gradient("np.special.gamma(x)", at(x=[1.0, 2.0]), [-EULER, 1 - EULER], DERIVATIVE),
        gradient("np.special.digamma(x)", at(x=1.0), BASEL, DERIVATIVE, value=-EULER),
        gradient("np.special.digamma(x)", at(x=1e10), 1e-10, FAR, rtol=1e-9),
        hessian("np.special.gammaln(x)", at(x=1.0), BASEL, DERIVATIVE),
        gradient("np.special.betaln(x, y)", at(x=1.0, y=1.0), (-1, -1), DERIVATIVE),
        gradient("np.special.i0(x)", at(x=0.0), 0, DERIVATIVE),
        hessian("np.special.i0(x)", at(x=0.0), 0.5, DERIVATIVE),
        gradient(
            "np.special.i0e(x)",
            at(x=0.0),
            0,
            "convention: i0e has a kink at 0 (PyTorch)",
            also=[-1, 1],
        ),
        gradient("np.special.j1(x)", at(x=0.0), 0.5, DERIVATIVE),
        gradient("np.special.logsumexp(x)", at(x=[1e3, 1e3]), [0.5, 0.5], DERIVATIVE),
    ],
)
