"""Estimate a local level by Kalman's filter: a hundred years of the Nile.

The flow at Aswan from 1871 to 1970 (in 10⁸ m³) is the example of Durbin and Koopman's Time Series
Analysis by State Space Methods: a level that wanders, and noise. The filter is a plain loop, and
the likelihood is maximised by its exact gradient; the book's variances are 15099 and 1469.

    python examples/kalman_filter.py --out pictures
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

import adjoint as ad

FLOWS = (
    "1120 1160 963 1210 1160 1160 813 1230 1370 1140 995 935 1110 994 1020 960 1180 799 958 1140 "
    "1100 1210 1150 1250 1260 1220 1030 1100 774 840 874 694 940 833 701 916 692 1020 1050 969 "
    "831 726 456 824 702 1120 1100 832 764 821 768 845 864 862 698 845 744 796 1040 759 "
    "781 865 845 944 984 897 822 1010 771 676 649 846 812 742 801 1040 860 874 848 890 "
    "744 749 838 1050 918 986 797 923 975 815 1020 906 901 1170 912 746 919 718 714 740"
)
NILE = np.array(FLOWS.split(), float)


def filtered(p):
    """Return the errors of prediction, their variances and the levels, year by year.

    p holds the logarithms of the variances of the noise and of the level's steps.
    """
    noise, wander = np.exp(p[0]), np.exp(p[1])
    level, variance = NILE[0], noise
    errors, variances, levels = [], [], []
    for flow in NILE[1:]:
        variance = variance + wander
        error, total = flow - level, variance + noise
        gain = variance / total
        level, variance = level + gain * error, variance * (1 - gain)
        errors.append(error)
        variances.append(total)
        levels.append(level)
    return np.stack(errors), np.stack(variances), np.stack(levels)


def loss(p):
    """Return the negative log-likelihood, the first year taken as known, up to a constant."""
    errors, variances, _ = filtered(p)
    return 0.5 * np.sum(np.log(variances) + errors**2 / variances)


def problem():
    """Return the function that is minimised, and where it starts."""
    return loss, np.log([10_000.0, 10_000.0])


def fit():
    """Return the logarithms of both variances, and their standard errors."""
    function, start = problem()
    found = minimize(ad.compile(ad.value_and_grad(function)), start, jac=True, method="BFGS")
    return found.x, np.sqrt(np.diag(np.linalg.inv(ad.hessian(function)(found.x))))


def plot(p, path):
    """Draw the flow and the level."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    years = np.arange(1871, 1971)
    _, variances, levels = filtered(p)
    spread = 1.645 * np.sqrt(variances)
    axes.plot(years, NILE, ".", label="flow")
    axes.plot(years[1:], levels, label="level, filtered")
    axes.fill_between(
        years[2:],
        levels[:-1] - spread[1:],
        levels[:-1] + spread[1:],
        alpha=0.2,
        label="90 % of next year's flows",
    )
    axes.set(xlabel="year", ylabel="10⁸ m³", title="The Nile at Aswan")
    axes.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder of the picture")
    path = parser.parse_args().out / "kalman_filter.png"
    begin = time.perf_counter()
    print("Fitting two variances to 100 years; about two seconds.", flush=True)
    p, errors = fit()
    for name, logarithm, error in zip(("noise", "level's steps"), p, errors, strict=True):
        value = np.exp(logarithm)
        print(f"  variance of the {name} {value:.0f}, give or take {value * error:.0f}")
    path.parent.mkdir(parents=True, exist_ok=True)
    plot(p, path)
    print(f"Done in {time.perf_counter() - begin:.1f} s; the picture is {path}")


if __name__ == "__main__":
    main()
