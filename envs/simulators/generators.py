"""Thousands of NumPy generators, seeded and drawn from at once.

Row k gives the very numbers that `np.random.default_rng(seed_k).random()` gives, without a Python object per row:
NumPy's seed hash and PCG64 (XSL-RR, 128 bits of state) written over arrays. NumPy promises not to change either
(NEP 19); the tests hold every row to it. The algorithms are O'Neill's: "PCG: A Family of Simple Fast Space-Efficient
Statistically Good Algorithms for Random Number Generation" (2014), and her `seed_seq_fe`.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ibc_gym.errors import ConfigError
from ibc_gym.records import Bool, Float64

UInt32 = NDArray[np.uint32]
UInt64 = NDArray[np.uint64]
Wide = tuple[UInt64, UInt64]
"""128-bit numbers as their high and low halves."""

MAX_SEED_BITS = 128

# The multiplier of the linear congruential generator, in 128 bits.
_MULTIPLIER = (np.uint64(0x2360ED051FC65DA4), np.uint64(0x4385DF649FCCF645))
_LOW_32 = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_WORD = 0xFFFFFFFF
_POOL = 4


class Generators:
    """One generator per row."""

    def __init__(self, rows: int) -> None:
        self._state: Wide = (np.zeros(rows, np.uint64), np.zeros(rows, np.uint64))
        self._increment: Wide = (np.zeros(rows, np.uint64), np.zeros(rows, np.uint64))
        self._seeded: Bool = np.zeros(rows, dtype=np.bool_)

    def seed(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        """Seed the rows under the mask; a row without a seed goes on, or gets a random seed if it never had one.

        Args:
            mask: (B,)
            seeds: (B,), each below 2^128; only those under the mask are read.

        Raises:
            ConfigError: A seed is negative or too great.
        """
        chosen = {
            row: secrets.randbits(MAX_SEED_BITS) if seed is None else int(seed)
            for row, seed in enumerate(seeds)
            if mask[row] and not (seed is None and self._seeded[row])
        }
        if not chosen:
            return
        rows = np.fromiter(chosen, dtype=np.int64)
        words = _seed_words(_entropy(list(chosen.values())))
        initial, increment = (words[0], words[1]), _double_plus_one((words[2], words[3]))
        # The generator starts at zero, steps, takes the seed in, and steps again.
        state = _step(_add(increment, initial), increment)
        for half in range(2):
            self._state[half][rows] = state[half]
            self._increment[half][rows] = increment[half]
        self._seeded[rows] = True

    def random(self, mask: Bool, count: int) -> Float64:
        """The next `count` numbers of every row under the mask, (M, count), uniform in [0, 1)."""
        state = (self._state[0][mask], self._state[1][mask])
        increment = (self._increment[0][mask], self._increment[1][mask])
        drawn = np.empty((len(state[0]), count))
        for column in range(count):
            state = _step(state, increment)
            drawn[:, column] = (_output(state) >> np.uint64(11)) * 2.0**-53
        self._state[0][mask], self._state[1][mask] = state
        return drawn


def _entropy(seeds: Sequence[int]) -> UInt32:
    """Seeds as their 32-bit words, least significant first, (4, B)."""
    try:
        raw = b"".join(seed.to_bytes(MAX_SEED_BITS // 8, "little") for seed in seeds)
    except OverflowError:
        worst = next(seed for seed in seeds if not 0 <= seed < 2**MAX_SEED_BITS)
        raise ConfigError(f"Seed {worst} must be at least 0 and below 2^{MAX_SEED_BITS}.") from None
    return np.frombuffer(raw, dtype="<u4").reshape(-1, _POOL).T.astype(np.uint32)


class _Hash:
    """One hash of the seed sequence; its constant changes with every use."""

    def __init__(self, constant: int, multiplier: int) -> None:
        self._constant, self._multiplier = constant, multiplier

    def __call__(self, words: UInt32) -> UInt32:
        words = words ^ np.uint32(self._constant)
        self._constant = self._constant * self._multiplier & _WORD
        words = words * np.uint32(self._constant)
        return np.asarray(words ^ (words >> np.uint32(16)))


def _seed_words(entropy: UInt32) -> list[UInt64]:
    """Four 64-bit words (B,) of NumPy's `SeedSequence` for each seed's entropy (4, B)."""
    absorb = _Hash(0x43B0D7E5, 0x931E8875)
    pool = [absorb(word) for word in entropy]
    for source in range(_POOL):
        for sink in range(_POOL):
            if source != sink:
                mixed = pool[sink] * np.uint32(0xCA01F9DD) - absorb(pool[source]) * np.uint32(
                    0x4973F715
                )
                pool[sink] = mixed ^ (mixed >> np.uint32(16))
    release = _Hash(0x8B51F9DD, 0x58F38DED)
    words = [release(pool[index % _POOL]).astype(np.uint64) for index in range(2 * _POOL)]
    return [low | (high << _32) for low, high in zip(words[::2], words[1::2], strict=True)]


def _step(state: Wide, increment: Wide) -> Wide:
    """Advance by one: state * multiplier + increment, modulo 2^128."""
    return _add(_times_multiplier(state), increment)


def _output(state: Wide) -> UInt64:
    """Fold the halves together, and rotate by the six highest bits."""
    folded = state[0] ^ state[1]
    turn = state[0] >> np.uint64(58)
    rotated = (folded >> turn) | (folded << (-turn & np.uint64(63)))
    return np.asarray(rotated, dtype=np.uint64)


def _add(a: Wide, b: Wide) -> Wide:
    low = a[1] + b[1]
    carry = (low < a[1]).astype(np.uint64)
    return a[0] + b[0] + carry, low


def _double_plus_one(a: Wide) -> Wide:
    one = np.uint64(1)
    return (a[0] << one) | (a[1] >> np.uint64(63)), (a[1] << one) | one


def _times_multiplier(a: Wide) -> Wide:
    """The 64-bit halves are multiplied by schoolbook, as nothing in NumPy keeps the high half of a product."""
    high, low = _MULTIPLIER
    low_1, low_0 = low >> _32, low & _LOW_32
    a_1, a_0 = a[1] >> _32, a[1] & _LOW_32
    cross_a, cross_b = a_0 * low_1, a_1 * low_0
    middle = (a_0 * low_0 >> _32) + (cross_a & _LOW_32) + (cross_b & _LOW_32)
    carried = a_1 * low_1 + (cross_a >> _32) + (cross_b >> _32) + (middle >> _32)
    return carried + a[0] * low + a[1] * high, a[1] * low
