"""Linear algebra keeps to one thread while exponents are measured, and to its own number afterwards."""

from typing import Any

import pytest

from symgrad.maps import Map
from symgrad.phenomena.spectra import linear_algebra_threads
from symgrad.phenomena.spectra.linear_algebra_threads import Library, library, single_threaded
from symgrad.phenomena.spectra.lyapunov import lyapunov_spectrum


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Put a library with four threads in the place of the real one, and return what is set."""
    seen = [4]
    monkeypatch.setattr(linear_algebra_threads, "library", lambda: Library(lambda: seen[-1], seen.append))
    return seen


def test_the_number_of_threads_is_restored_by_the_last_that_leaves(counted: list[int]) -> None:
    with single_threaded():
        with single_threaded():
            assert counted[-1] == 1
        assert counted[-1] == 1
    assert counted == [4, 1, 1, 4]


def test_exponents_are_measured_with_one_thread_even_where_they_fail(counted: list[int]) -> None:
    lyapunov_spectrum(Map(("1 - 1.4*x**2 + y", "0.3*x"), ("x", "y")), (0.1, 0.1), steps=20, orbits=3)
    assert counted == [4, 1, 4]

    def fails() -> Any:
        with single_threaded():
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        fails()
    assert counted == [4, 1, 4, 1, 4]


def test_another_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_algebra_threads, "FOLDERS", ())
    library.cache_clear()
    with single_threaded():
        assert library() is None
    library.cache_clear()
