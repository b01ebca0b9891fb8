"""Special functions are SciPy's, with derivatives: ``scipy.special.erf(t)`` works on a tensor.

They are imported when first met. SciPy's functions that are not ufuncs (logsumexp, softmax,
log_softmax, polygamma) cannot see tensors, and refuse them; use those of this module.
"""

from __future__ import annotations

from ..errors import require

require("scipy.special", extra="native", purpose="adjoint.special")

from .bessel import (  # noqa: E402
    i0,
    i1,
    iv,
    j0,
    j1,
    jv,
    k0,
    k1,
    kv,
    y0,
    y1,
    yv,
)
from .elementary import cosm1, exp10  # noqa: E402
from .entropy import entr, kl_div, rel_entr, xlog1py, xlogy  # noqa: E402
from .gamma import beta, betaln, digamma, gamma, gammaln, loggamma, polygamma  # noqa: E402
from .logistic import expit, log_expit, log_softmax, logit, logsumexp, softmax  # noqa: E402
from .normal import erf, erfc, erfcinv, erfcx, erfinv, log_ndtr, ndtr, ndtri  # noqa: E402
from .scaled_bessel import i0e, i1e  # noqa: E402

psi = digamma

__all__ = [
    "beta",
    "betaln",
    "cosm1",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfcinv",
    "erfcx",
    "erfinv",
    "exp10",
    "expit",
    "gamma",
    "gammaln",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "iv",
    "j0",
    "j1",
    "jv",
    "k0",
    "k1",
    "kl_div",
    "kv",
    "log_expit",
    "log_ndtr",
    "log_softmax",
    "loggamma",
    "logit",
    "logsumexp",
    "ndtr",
    "ndtri",
    "polygamma",
    "psi",
    "rel_entr",
    "softmax",
    "xlog1py",
    "xlogy",
    "y0",
    "y1",
    "yv",
]
