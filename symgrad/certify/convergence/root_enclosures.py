"""The root at the end of a certified path, enclosed as narrowly as the precision allows."""

from collections.abc import Mapping, Sequence
from typing import Any

from flint import acb, arb

from symgrad.certify.convergence.certificates import log_errors
from symgrad.certify.convergence.smooth_systems import SmoothSystem, ball_around, newton_step, size

MOST_STEPS = 40


def enclosed_root(
    system: SmoothSystem, start: Sequence[Any], method: str, constants: Mapping[str, float], bits: int
) -> list[Any]:
    """Follow the exact Newton path in balls and widen the best iterate by the error that the method certifies."""
    errors = [error.exp() for error in log_errors(method, constants, MOST_STEPS)]
    iterate = list(start)
    best = ball_around(iterate, errors[0])
    for error in errors[1:]:
        moved = newton_step(system, iterate, bits)
        if moved is None:
            break
        iterate = [x + dx for x, dx in zip(iterate, moved[0], strict=True)]
        candidate = ball_around(iterate, error)
        if not bool(_width(candidate) < _width(best)):
            break
        best = candidate
    return best


def _width(box: Sequence[Any]) -> arb:
    parts = [part for side in box for part in ((side.real, side.imag) if isinstance(side, acb) else (side,))]
    return size([arb(part.rad()) for part in parts])
