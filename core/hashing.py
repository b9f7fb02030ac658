"""Pseudo-random numbers derived from a key, independent of any generator's state and of the order of calls.

Also digests of code, which show whether a stored result comes from other code.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Sequence
from pathlib import Path


def hash_uniform(*key: object) -> float:
    """Return a number in [0, 1), uniformly distributed over keys; equal keys give equal numbers on every machine."""
    digest = hashlib.blake2b("\x1f".join(map(str, key)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def code_digest(*places: Path, data: Sequence[str] = ()) -> str:
    """Sixteen hex digits that change with the code in modules, and in the modules below folders.

    Comments and docstrings do not count. `data` are patterns of other files that count in folders.
    """
    sha256 = hashlib.sha256()
    for place in places:
        modules = sorted(place.rglob("*.py")) if place.is_dir() else [place]
        others = sorted(file for pattern in data for file in place.rglob(pattern)) if place.is_dir() else []
        for module in modules:
            sha256.update(_code(module).encode())
        for file in others:
            sha256.update(file.read_bytes())
    return sha256.hexdigest()[:16]


def _code(module: Path) -> str:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(None)
    return ast.dump(tree)
