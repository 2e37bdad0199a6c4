"""Randomness is an argument: one seed per study, one independent stream per use.

A stream is named by a path such as `("trial", 17)`, so that what is drawn for one
trial never depends on how many were run before it, on workers or on a resume.
"""

from __future__ import annotations

import hashlib

import numpy as np


def seed_for(seed: int, *path: str | int) -> int:
    """Return the 32-bit seed of the stream `path` of a study seeded with `seed`."""
    name = "/".join([str(seed), *map(str, path)])
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "big")


def generator(rng: int | np.random.Generator | None) -> np.random.Generator:
    """Return `rng` itself, or a generator seeded with it (as Scientific Python's SPEC 7 has it)."""
    return np.random.default_rng(rng)
