"""The bits of 2/π, in pieces: what large arguments are multiplied with to count quarter turns."""

from __future__ import annotations

import functools

# A product with half of a number's bits is exact.
_PIECE_BITS = 26
# An argument is multiplied with it, and the pieces divided by it: else they would underflow.
SCALE = 2.0**-500
# A number is below 2¹⁰²⁴, and of its product with 2/π 160 bits behind the point are needed.
_COUNT = -(-(1024 + 160) // _PIECE_BITS)


@functools.cache
def pieces() -> tuple[float, ...]:
    """Return numbers whose sum is 2/π over the scale, each of so few bits, from the first on."""
    bits = _COUNT * _PIECE_BITS
    guard = 64
    whole = (2 << (2 * bits + guard)) // _pi(bits + guard)
    digits = [
        (whole >> (_COUNT - place) * _PIECE_BITS) % 2**_PIECE_BITS for place in range(1, _COUNT + 1)
    ]
    return tuple(n * 2.0 ** (500 - place * _PIECE_BITS) for place, n in enumerate(digits, 1))


def _pi(bits: int) -> int:
    """Return π 2ᵇ, by Machin's formula π = 16 arctan 1/5 - 4 arctan 1/239, off by a few units."""
    return 16 * _arctan_of_inverse(5, bits) - 4 * _arctan_of_inverse(239, bits)


def _arctan_of_inverse(n: int, bits: int) -> int:
    power = (1 << bits) // n
    total, k, sign = 0, 1, 1
    while power:
        total += sign * (power // k)
        power //= n * n
        k, sign = k + 2, -sign
    return total
