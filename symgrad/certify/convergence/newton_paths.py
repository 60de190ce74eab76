"""The best certificate of a start, or of the first iterate of its exact Newton path that has one."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flint import acb, arb, ctx

from symgrad.certify.convergence import contraction_near_root, kantorovich_theorem, smale_theorem
from symgrad.certify.convergence.certificates import NO_METHOD, Certificate, point_text, undecided
from symgrad.certify.convergence.smooth_systems import SmoothSystem, newton_step, read_system, size
from symgrad.errors import InputError

PRECISIONS = (192, 768, 3072)
# An iterate known to fewer bits than this cannot be certified; a higher precision starts again.
WIDEST = arb(2) ** -40
# From a start whose h is beyond this no root near enough for a contraction is expected, and none is looked for.
FAR = 8.0


def best_certificate(equations: Any, variables: Any, start: Any, *, steps: int = 50) -> Certificate:
    """Certify Newton's method from a start by Smale's (polynomials), Kantorovich's or Krawczyk's theorem.

    Where none applies to the start itself, the exact Newton path is followed in balls, for at most ``steps`` steps,
    and the first iterate to which one applies is certified: then the path from the start converges too, and ``step``
    says which iterate that was.

    Parameters
    ----------
    equations : text or expressions, each to become 0: one, or a sequence of as many as unknowns
    variables : the unknown or the unknowns
    start : a number, or one for each unknown

    Examples
    --------
    >>> found = best_certificate("cos(x) - x", "x", 1)
    >>> found.method, found.step, found.root[0].text(20), found.steps_to(16)
    ('Kantorovich', 0, '0.73908513321516064166', 5)
    >>> best_certificate("x**2 + 1", "x", 0.7).verdict.word
    'undecided'
    """
    if steps < 0:
        raise InputError(f"the number of steps is {steps}; give 0 for the start alone, or more")
    found = None
    for bits in PRECISIONS:
        with ctx.workprec(bits):
            system, point = read_system(equations, variables, start)
            found, is_final = _along_the_path(system, point, steps, bits)
        if is_final:
            break
    assert found is not None
    return found


def _along_the_path(system: SmoothSystem, start: list[Any], steps: int, bits: int) -> tuple[Certificate, bool]:
    """Return the first certificate on the path, and whether more bits could not change the answer."""
    iterate = start
    forms = smale_theorem.polynomial_terms(system, bits)
    for k in range(steps + 1):
        found = _one_point(system, forms, iterate, bits)
        if found.is_certified:
            return (found if k == 0 else _continued(found, k, system, start)), True
        moved = newton_step(system, iterate, bits)
        if moved is None:
            return _none(
                system, start, f"the derivative is not enclosed away from 0 at the iterate of step {k}"
            ), k == 0
        iterate = [x + dx for x, dx in zip(iterate, moved[0], strict=True)]
        if bool(_radius(iterate) > WIDEST * (1 + size(iterate))):
            why = f"no iterate is certified up to step {k}, from where on the path is not known closely enough"
            return _none(system, start, why), False
    return _none(system, start, f"no iterate up to step {steps} is certified"), True


def _radius(box: Sequence[Any]) -> arb:
    parts = [part for side in box for part in ((side.real, side.imag) if isinstance(side, acb) else (side,))]
    return size([arb(part.rad()) for part in parts])


def _one_point(system: SmoothSystem, forms: Any, point: Sequence[Any], bits: int) -> Certificate:
    """Try the theorems on one point, the cheapest first."""
    if forms is not None:
        found = smale_theorem.certify_point(system, forms, point, bits)
        if found.is_certified:
            return found
    found = kantorovich_theorem.certify_point(system, point, bits)
    if found.is_certified or found.constants.get("h", 0.0) > FAR:
        return found
    return contraction_near_root.certify_box(system, point, bits)


def _continued(found: Certificate, step: int, system: SmoothSystem, start: Sequence[Any]) -> Certificate:
    """Return the certificate of an iterate as one of the path that leads to it."""
    origin = point_text(system.names, start)
    lead = (
        f"the exact Newton path from {origin}, enclosed step by step in balls, reaches in step {step} a point where: "
    )
    statement = lead + found.statement + f", counted from step {step}"
    return replace(found, statement=statement, step=step)


def _none(system: SmoothSystem, start: Sequence[Any], why: str) -> Certificate:
    return undecided(NO_METHOD, system.names, start, why)
