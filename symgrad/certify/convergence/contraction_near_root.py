"""Krawczyk's operator around a root, and Newton's method as a contraction towards it.

On the ball X of radius R around m, with C = F'(m)⁻¹ and e ≥ ‖1 - C F'(x)‖ for x in X: if ‖C F(m)‖ + eR < R, Krawczyk's
operator maps X into its interior, so that X holds exactly one root r (Krawczyk 1969; Moore, Kearfott & Cloud 2009,
*Introduction to Interval Analysis*, ch. 8). Newton's step N obeys

    N(x) - r = F'(x)⁻¹ ∫ (F'(x) - F'(r + t(x - r))) dt (x - r),
    ‖N(x) - r‖ ≤ min(2e, ω‖x - r‖/2)/(1 - e) · ‖x - r‖

with a Lipschitz constant ω of C F'; where the factor q is below 1 for all x at most as far from r as the start,
Newton's method converges from there. All norms are maximum norms.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from flint import acb, arb, ctx

from symgrad.certify.convergence.certificates import KRAWCZYK, Certificate, certified, rounded_up, undecided
from symgrad.certify.convergence.smooth_systems import (
    SmoothSystem,
    ball_around,
    lipschitz,
    newton_step,
    read_system,
    size,
)
from symgrad.errors import InputError

BITS = 192
MOST_STEPS = 40
TINY = arb(2) ** -60


def interval_newton(equations: Any, variables: Any, box: Any, *, bits: int = BITS) -> Certificate:
    """Certify that Newton's method converges from every point of a box (or from one start) to one and the same root.

    Parameters
    ----------
    equations : text or expressions, each to become 0: one, or a sequence of as many as unknowns
    variables : the unknown or the unknowns
    box : a pair (low, high) for each unknown (for one unknown the pair itself, for several also a mapping by name), or
        the numbers of one start
    bits : the working precision

    Returns
    -------
    CERTIFIED with constants rho (distance to the root), e, q, kappa, or UNDECIDED with the reason, for instance
    that the box certainly holds no root

    Examples
    --------
    >>> found = interval_newton("x**2 - 2", "x", (1, 2))
    >>> found.verdict.word, found.root[0].text(20)
    ('certified', '1.4142135623730950488')
    >>> interval_newton("x**2 - 2", "x", (2, 3)).statement
    'undecided by Krawczyk from x in [2, 3]: the box holds no root'
    """
    with ctx.workprec(bits):
        system, sides = _read_box(equations, variables, box)
        values = None if _is_point(sides) else system.values(sides, bits)
        if values is not None and not all(bool(v.contains(0)) for v in values):
            return undecided(KRAWCZYK, system.names, sides, "the box holds no root")
        return certify_box(system, sides, bits)


def _read_box(equations: Any, variables: Any, box: Any) -> tuple[SmoothSystem, list[Any]]:
    names = variables if isinstance(variables, Sequence) and not isinstance(variables, str) else [variables]
    if isinstance(box, Mapping):
        by_name = {str(key): side for key, side in box.items()}
        if missing := [str(v) for v in names if str(v) not in by_name]:
            raise InputError(f"the box has no sides for {missing[0]}; give a pair (low, high) for each unknown")
        box = [by_name[str(v)] for v in names]
    elif len(names) == 1:
        box = [box] if not hasattr(box, "__len__") or len(box) == 2 else box
    pairs = [side if isinstance(side, tuple | list) else (side, side) for side in box]
    if any(len(pair) != 2 for pair in pairs):
        raise InputError("a box has a pair (low, high) for each unknown; give e.g. (1, 2)")
    system, low = read_system(equations, variables, [pair[0] for pair in pairs])
    other, high = read_system(equations, variables, [pair[1] for pair in pairs])
    if system.domain != other.domain:
        system, lift = (other, low) if other.domain == "complex" else (system, high)
        lift[:] = [acb(v) for v in lift]
    if system.domain == "real" and any(bool(a > b) for a, b in zip(low, high, strict=True)):
        raise InputError("the sides of the box are in the wrong order; low must not be above high")
    return system, [a.union(b) for a, b in zip(low, high, strict=True)]


def _is_point(sides: Sequence[Any]) -> bool:
    return all(bool(s.real.rad() < TINY) and bool(s.imag.rad() < TINY) for s in map(acb, sides))


def certify_box(system: SmoothSystem, sides: Sequence[Any], bits: int) -> Certificate:
    """Certify Newton's method from every point of a box, which may be a single point."""
    center = _polished(system, sides, bits)
    if center is None:
        return undecided(KRAWCZYK, system.names, sides, "Newton's method from its middle finds no simple root")
    away = size([s - c for s, c in zip(sides, center, strict=True)])
    scale = 1 + size(center)
    radius = arb((away * (1 + arb(2) ** -20) + scale * arb(2) ** (-bits // 2)).upper())
    ball = ball_around(center, radius)
    moved = newton_step(system, center, bits)
    slopes = system.slopes(ball, bits) if moved and system.is_smooth_on(ball, bits) else None
    if moved is None or slopes is None:
        return undecided(KRAWCZYK, system.names, sides, "F or F' may be undefined or jump on the way to the root")
    inverse = moved[1].mid()
    off = _distance_from_one(inverse * system.matrix(slopes), len(sides))
    offset = _offset(system, inverse, center, bits)
    constants = {"e": rounded_up(off)}
    if offset is None or not bool(off < 1) or not bool(offset + off * radius < radius):
        why = f"||1 - C*F'|| <= {constants['e']:.4g} is not below 1 on the ball that holds the start and the root"
        return undecided(KRAWCZYK, system.names, sides, why, constants)
    slack = arb((offset / (1 - off)).upper())
    rho = arb((away + slack).upper())
    bounds = lipschitz(system, inverse, ball, bits)
    kappa = arb((bounds[1] / (2 * (1 - off))).upper()) if bounds else arb("inf")
    linear = arb((2 * off / (1 - off)).upper())
    q = kappa * rho if bool(kappa * rho < linear) else linear
    constants |= {"rho": rounded_up(rho), "q": rounded_up(q)} | ({"kappa": rounded_up(kappa)} if bounds else {})
    if constants["q"] >= 1 or not bool(rho + slack <= radius):
        why = f"one root is near, but Newton's contraction factor q <= {constants['q']:.4g} is not below 1"
        return undecided(KRAWCZYK, system.names, sides, why, constants)
    root = ball_around(center, slack)
    because = (
        f"Krawczyk's operator maps a ball around the root that holds the start into itself and Newton's "
        f"method contracts there by q = {constants['q']:.4g} < 1 a step, enclosed in ball arithmetic"
    )
    return certified(KRAWCZYK, system.names, sides, root, rho, constants, because)


def _polished(system: SmoothSystem, sides: Sequence[Any], bits: int) -> list[Any] | None:
    """Follow Newton's method on midpoints until it stands still."""
    center = [s.mid() for s in sides]
    for _ in range(MOST_STEPS):
        moved = newton_step(system, center, bits)
        if moved is None:
            return None
        center = [(c + dc).mid() for c, dc in zip(center, moved[0], strict=True)]
        if bool(size(moved[0]) <= (1 + size(center)) * arb(2) ** (16 - bits)):
            return center
    return None


def _distance_from_one(product: Any, count: int) -> arb:
    """Return an upper bound of ‖1 - A‖."""
    rows = [
        sum((arb(abs((1 if i == j else 0) - product[i, j]).upper()) for j in range(count)), arb(0))
        for i in range(count)
    ]
    return size(rows)


def _offset(system: SmoothSystem, inverse: Any, center: Sequence[Any], bits: int) -> arb | None:
    """Return an upper bound of ‖C F(m)‖."""
    values = system.values(center, bits)
    if values is None:
        return None
    moved = inverse * system.matrix([[v] for v in values])
    return size([moved[i, 0] for i in range(len(center))])
