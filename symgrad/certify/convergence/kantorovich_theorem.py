"""Kantorovich's theorem: a root exists and Newton converges to it where the first step is short beside the curvature.

With η ≥ ‖F'(x₀)⁻¹F(x₀)‖, β ≥ ‖F'(x₀)⁻¹‖ and a Lipschitz constant L of F' on the ball of radius
t* = 2η/(1 + √(1 - 2h)) around x₀: if h = βηL ≤ 1/2, Newton's method converges to the only root in that ball. The
constant that is used is ω ≤ βL, a Lipschitz constant of F'(x₀)⁻¹F' (Deuflhard & Heindl 1979, *SIAM J. Numer. Anal.*
16:1), which does not depend on how the equations are scaled. All norms are maximum norms.
"""

from collections.abc import Sequence
from typing import Any

from flint import arb, ctx

from symgrad.certify.convergence.certificates import KANTOROVICH, Certificate, certified, rounded_up, undecided
from symgrad.certify.convergence.root_enclosures import enclosed_root
from symgrad.certify.convergence.smooth_systems import (
    SmoothSystem,
    ball_around,
    lipschitz,
    newton_step,
    read_system,
    size,
)

BITS = 192
# The ball of radius 2η always holds t*; a smaller one has a smaller Lipschitz constant, and may hold it too.
REACHES = (arb(2), arb("1.5"), arb("1.25"), arb("1.1"), arb("1.03"))


def kantorovich(equations: Any, variables: Any, start: Any, *, bits: int = BITS) -> Certificate:
    """Certify by Kantorovich's theorem that Newton's method converges from a start.

    Parameters
    ----------
    equations : text or expressions, each to become 0: one, or a sequence of as many as unknowns
    variables : the unknown or the unknowns
    start : a number, or one for each unknown; complex where the unknowns are
    bits : the working precision

    Returns
    -------
    CERTIFIED with constants beta, eta, L, omega, h, or UNDECIDED with the reason

    References
    ----------
    L. V. Kantorovich (1948); J. M. Ortega & W. C. Rheinboldt (1970), *Iterative Solution of Nonlinear Equations in
    Several Variables*, 12.6.2.

    Examples
    --------
    >>> found = kantorovich("cos(x) - x", "x", 0.75)
    >>> found.verdict.word, round(found.value[0], 12), found.steps_to(50)
    ('certified', 0.739085133215, 5)
    """
    with ctx.workprec(bits):
        return certify_point(*read_system(equations, variables, start), bits)


def certify_point(system: SmoothSystem, start: Sequence[Any], bits: int) -> Certificate:
    """Apply the theorem to every point of a small box at once; one certified statement holds for each of them."""
    moved = newton_step(system, start, bits)
    if moved is None:
        return undecided(KANTOROVICH, system.names, start, "the derivative may be singular or undefined there")
    step, inverse = moved
    count = len(start)
    eta = size(step)
    beta = size([sum((arb(abs(inverse[i, j]).upper()) for j in range(count)), arb(0)) for i in range(count)])
    constants: dict[str, float] = {"beta": rounded_up(beta), "eta": rounded_up(eta)}
    why = "F, F' and F'' are not known to be smooth on the ball of radius 2*eta"
    for reach in REACHES:
        radius = arb((reach * eta).upper())
        box = ball_around(start, radius if bool(radius > 0) else arb(2) ** -bits)
        bounds = lipschitz(system, inverse, box, bits) if system.is_smooth_on(box, bits) else None
        if bounds is None:
            continue
        omega = bounds[1]
        h = eta * omega
        constants |= {"L": rounded_up(bounds[0]), "omega": rounded_up(omega), "h": rounded_up(h)}
        why = f"h <= {constants['h']:.4g} is not at most 1/2"
        if constants["h"] <= 0.5 and bool((arrival := _arrival(eta, h)) <= radius):
            root = enclosed_root(system, start, KANTOROVICH, constants, bits)
            because = (
                f"Kantorovich's theorem with h = {constants['h']:.4g} <= 1/2 (eta = {constants['eta']:.4g}, Lipschitz "
                f"constant of F'(x_0)^(-1)*F' {constants['omega']:.4g}), enclosed in ball arithmetic"
            )
            return certified(KANTOROVICH, system.names, start, root, arrival, constants, because)
    return undecided(KANTOROVICH, system.names, start, why, constants)


def _arrival(eta: arb, h: arb) -> arb:
    """Return an upper bound of t* = 2η/(1 + √(1 - 2h))."""
    root = (1 - 2 * arb(h.upper())).sqrt()
    return arb((2 * eta / (1 + root)).upper()) if root.is_finite() else 2 * eta
