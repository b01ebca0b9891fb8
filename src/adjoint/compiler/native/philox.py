"""Philox in LLVM's language: the words of `adjoint.core.philox`, four from each block."""

from __future__ import annotations

from .lanes import Block

# Philox4x64 with ten rounds (Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1,
# 2, 3", 2011): the multipliers of its rounds, and what is added to the two halves of the key after
# each.
MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
STEPS = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
ROUNDS = 10
_WORD = 2**64
_HALF = 2**32 - 1


def philox(block: Block, key: str, number: str, epoch: str, site: int) -> list[str]:
    """Write the instructions for the four words of a block, and return the words' names.

    Blocks are counted from 1.
    """
    counter = [number, epoch, str(site), "0"]
    # The second half of the key is 0 before the first round, so its multiples are constants.
    for turn in range(ROUNDS):
        high0, low0 = _product(block, counter[0], MULTIPLIERS[0])
        high1, low1 = _product(block, counter[2], MULTIPLIERS[1])
        key0 = block.write(f"add i64 {key}, {_signed(turn * STEPS[0])}", "i64").text
        key1 = str(_signed(turn * STEPS[1]))
        counter = [
            _exclusive_or(block, high1, counter[1], key0),
            low1,
            _exclusive_or(block, high0, counter[3], key1),
            low0,
        ]
    return counter


def _product(block: Block, x: str, factor: int) -> tuple[str, str]:
    """Return the high and the low word of a product of 128 bits."""
    if not block.names.target.has_wide_products:
        return _product_of_halves(block, x, factor)
    wide = block.write(f"zext i64 {x} to i128", "i64")
    product = block.write(f"mul i128 {wide}, {factor}", "i64")
    low = block.write(f"trunc i128 {product} to i64", "i64").text
    shifted = block.write(f"lshr i128 {product}, 64", "i64")
    return block.write(f"trunc i128 {shifted} to i64", "i64").text, low


def _product_of_halves(block: Block, x: str, factor: int) -> tuple[str, str]:
    """Return the same words, from four products of 32-bit halves."""

    def word(operation: str, x: str, y: str | int) -> str:
        return block.write(f"{operation} i64 {x}, {y}", "i64").text

    high, low = word("lshr", x, 32), word("and", x, _HALF)
    factor_high, factor_low = divmod(factor, _HALF + 1)
    lowest = word("mul", low, factor_low)
    middle, other = word("mul", low, factor_high), word("mul", high, factor_low)
    # None of these sums exceeds a word: (2³² - 1)² + 2 (2³² - 1) is 2⁶⁴ - 1.
    carried = word("add", middle, word("lshr", lowest, 32))
    lower = word("add", other, word("and", carried, _HALF))
    upper = word("add", word("mul", high, factor_high), word("lshr", carried, 32))
    return word("add", upper, word("lshr", lower, 32)), word("mul", x, _signed(factor))


def _exclusive_or(block: Block, x: str, y: str, z: str) -> str:
    first = block.write(f"xor i64 {x}, {y}", "i64")
    return block.write(f"xor i64 {first}, {z}", "i64").text


def _signed(word: int) -> int:
    """Return a word modulo 2⁶⁴ as LLVM writes constants: as a signed number."""
    word %= _WORD
    return word - _WORD if word >= _WORD // 2 else word
