"""What composes with itself, many times in a row."""

from typing import Protocol, Self, TypeVar


class Composable(Protocol):
    """What can be followed by another of its kind."""

    def then(self, later: Self) -> Self:
        """Return this followed by a later one."""


Piece = TypeVar("Piece", bound=Composable)


def power(piece: Piece, times: int) -> Piece:
    """Return a piece so many times (at least once) in a row, by repeated squaring.

    >>> from symgrad.kernels.decays import ZERO, Decay
    >>> from symgrad.kernels.signed_log import SignedLog
    >>> half = Decay(SignedLog.from_float(0.5), (SignedLog.from_float(1.0),), (ZERO,))
    >>> float(power(half, 3).slopes[0].value), float(power(half, 10**9).factor.exponent)
    (0.75, -999999999.0)
    """
    result, square = None, piece
    while times:
        if times % 2:
            result = square if result is None else result.then(square)
        times //= 2
        square = square.then(square) if times else square
    assert result is not None
    return result
