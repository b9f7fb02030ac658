"""What a run shows while it trains, and the memory that it gives back."""

import platform

import psutil
import pytest
from unspin.train.progress import memory, return_free_memory


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries give freed memory back themselves")
def test_freed_memory_between_pieces_in_use_is_given_back() -> None:
    pieces = [bytearray(100_000) for _ in range(3000)]  # below the size that glibc asks the system for by itself
    held = pieces[::50]
    del pieces
    before = psutil.Process().memory_info().rss
    return_free_memory()
    assert before - memory() > 200e6 and len(held) == 60
