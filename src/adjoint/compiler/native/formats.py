"""A format is the layout of a floating-point number, with the constants that functions need for it.

The polynomials are Chebyshev interpolants computed with 300 bits, so their errors, given beside
them, are within a few percent of the least possible (Muller, "Elementary functions", chapter 3).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np


class Format(NamedTuple):
    """A binary floating-point format of IEEE 754.

    Parameters
    ----------
    kind, integer : str
        The name of the format, and the name of integers of the same size.
    mantissa : int
        The number of stored bits of the significand.
    bias : int
        The number that is added to an exponent when it is stored.
    log2_high, log2_low : float
        log 2 in two parts. The first has few enough bits for its product with any exponent to be
        exact.
    exp_terms : tuple of float
        The coefficients of a polynomial for (eʳ - 1 - r) / r² on |r| ≤ log(2)/2, from the lowest
        power.
    log_terms : tuple of float
        The coefficients of a polynomial in s² for (2 artanh s - 2s) / s³ on |s| ≤ (√2 - 1) / (√2 +
        1).
    overflow : float
        A number a little above the logarithm of the greatest number.
    underflow : float
        A number a little below the logarithm of half the least positive number.
    """

    kind: str
    integer: str
    mantissa: int
    bias: int
    log2_high: float
    log2_low: float
    exp_terms: tuple[float, ...]
    log_terms: tuple[float, ...]
    overflow: float
    underflow: float

    @property
    def rounder(self) -> float:
        """1.5 · 2ᵐ, where one ulp is 1: the sum with a small number rounds this to an integer.

        The integer is then in the low bits of the sum. This needs no conversion instruction, which
        processors without AVX-512 do not have for vectors of 64 bits. Times 1.5, not 1, so that
        negative numbers stay in the same binade.
        """
        return 1.5 * 2.0**self.mantissa

    def bits(self, number: float) -> int:
        """Return the bits of a number, as an integer."""
        if self.kind == "f64":
            return int(struct.unpack("<q", struct.pack("<d", number))[0])
        return int(struct.unpack("<i", struct.pack("<f", number))[0])


F64 = Format(
    kind="f64",
    integer="i64",
    mantissa=52,
    bias=1023,
    log2_high=0.6931471803691238,
    log2_low=1.9082149292705877e-10,
    exp_terms=(  # relative error of eʳ 3.4e-19
        0.5,
        0.1666666666666667,
        0.04166666666666667,
        0.008333333333326136,
        0.0013888888888883748,
        0.00019841269874820627,
        2.4801587325547743e-05,
        2.7557255400206422e-06,
        2.75572736431103e-07,
        2.5105217004720745e-08,
        2.0914686968086876e-09,
    ),
    log_terms=(  # relative error of the logarithm 4.7e-18
        0.666666666666667,
        0.39999999999899444,
        0.2857142862600327,
        0.22222211130259878,
        0.18182889455674947,
        0.15331710618210773,
        0.14616585424888623,
    ),
    overflow=710.0,
    underflow=-746.0,
)

F32 = Format(
    kind="f32",
    integer="i32",
    mantissa=23,
    bias=127,
    log2_high=0.693145751953125,
    log2_low=1.428606765330187e-06,
    exp_terms=(  # relative error of eʳ 6.9e-10
        0.5,
        0.1666666716337204,
        0.04166646674275398,
        0.00833331048488617,
        0.0013933649752289057,
        0.00019890991097781807,
    ),
    log_terms=(  # relative error of the logarithm 3.0e-10
        0.6666666865348816,
        0.4000012278556824,
        0.2855081558227539,
        0.23330582678318024,
    ),
    overflow=89.0,
    underflow=-104.0,
)

FORMATS = {"f64": F64, "f32": F32}
# The kinds of numbers by NumPy's names, and what LLVM calls them.
KINDS = {"float64": "f64", "float32": "f32", "int64": "i64", "int32": "i32", "bool": "i1"}
LLVM_TYPES = {"f64": "double", "f32": "float", "i64": "i64", "i32": "i32", "i8": "i8", "i1": "i1"}
SIZES = {"f64": 8, "f32": 4, "i64": 8, "i32": 4}


def literal(value: float, kind: str) -> str:
    """Return a constant in LLVM's notation: floats as the bits of a float64, so that all are exact.

    >>> literal(1.0, "f64"), literal(3, "i64"), literal(True, "i1")
    ('0x3FF0000000000000', '3', 'true')
    """
    if kind == "i1":
        return "true" if value else "false"
    if kind in FORMATS:
        number = float(np.float32(value)) if kind == "f32" else float(value)
        return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"
    return str(int(value))


def widened(name: str, kind: str) -> str:
    """Return the instruction that makes a double of a number."""
    if kind == "f32":
        return f"fpext float {name} to double"
    # A sum with -0 is a copy that keeps every bit, since LLVM has no instruction for that.
    return f"fadd double {name}, {literal(-0.0, 'f64')}"
