"""One thread for NumPy's linear algebra while this package spreads the work over threads of its own.

On matrices of a few hundred rows the threads of OpenBLAS spend most of their time waiting for one another, and on a
machine that others use too they wait a hundred times longer than one thread computes.
"""

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

FOLDERS = ("../numpy.libs", ".dylibs")
NAMES = tuple(
    (f"{prefix}openblas_get_num_threads{suffix}", f"{prefix}openblas_set_num_threads{suffix}")
    for prefix in ("scipy_", "")
    for suffix in ("64_", "")
)


@dataclass(frozen=True)
class Library:
    """How many threads the library uses, and what sets it."""

    get: Callable[[], int]
    set: Callable[[int], Any]


@cache
def library() -> Library | None:
    """Return the OpenBLAS that came with NumPy, None where it computes with another library."""
    for folder in FOLDERS:
        for path in sorted((Path(np.__file__).parent / folder).glob("*openblas*")):
            try:
                loaded = ctypes.CDLL(str(path))
            except OSError:
                continue
            for get, put in NAMES:
                if hasattr(loaded, get) and hasattr(loaded, put):
                    return Library(getattr(loaded, get), getattr(loaded, put))
    return None


_lock = threading.Lock()
_inside: list[int] = []


@contextmanager
def single_threaded() -> Iterator[None]:
    """Let linear algebra use one thread inside; the number of before is restored by the last that leaves.

    Examples
    --------
    >>> with single_threaded():
    ...     found = library()
    ...     print(found is None or found.get() == 1)
    True
    """
    found = library()
    if found is None:
        yield
        return
    with _lock:
        _inside.append(found.get() if not _inside else _inside[0])
        found.set(1)
    try:
        yield
    finally:
        with _lock:
            before = _inside.pop()
            if not _inside:
                found.set(before)
