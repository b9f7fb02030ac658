"""Pseudo-random numbers derived from a key, independent of any generator's state and of the order of calls."""

from __future__ import annotations

import hashlib


def hash_uniform(*key: object) -> float:
    """Return a number in [0, 1), uniformly distributed over keys; equal keys give equal numbers on every machine."""
    digest = hashlib.blake2b("\x1f".join(map(str, key)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
