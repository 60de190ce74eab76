"""Smale's α-theorem: for polynomials the derivatives at one point are enough to certify Newton's method from there.

With β = ‖F'(z)⁻¹F(z)‖ and γ = sup_{k≥2} ‖F'(z)⁻¹F^(k)(z)/k!‖^{1/(k-1)}: if α = βγ < (13 - 3√17)/4 = 0.157671…, then
‖z_k - ζ‖ ≤ (1/2)^{2^k - 1}‖z_0 - ζ‖ for a root ζ with ‖z_0 - ζ‖ ≤ 2β. The norm of the k-th Taylor form is bounded by
the sum of the moduli of its coefficients, an upper bound for the maximum norm, exact for one unknown.
"""

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

from flint import acb, arb, ctx
from sympy import Poly

from symgrad.certify.balls import enclose
from symgrad.certify.complex_balls import complex_value
from symgrad.certify.convergence.certificates import SMALE, Certificate, certified, rounded_up, undecided
from symgrad.certify.convergence.root_enclosures import enclosed_root
from symgrad.certify.convergence.smooth_systems import SmoothSystem, newton_step, read_system, size
from symgrad.errors import InputError

BITS = 192
LARGEST_DEGREE = 300
MOST_TERMS = 20_000

Taylor = dict[tuple[int, ...], Any]


def smale_alpha(polynomials: Any, variables: Any, start: Any, *, bits: int = BITS) -> Certificate:
    """Certify by Smale's α-theorem that Newton's method converges from a start, real or complex.

    Parameters
    ----------
    polynomials : text or expressions: one, or a sequence of as many as unknowns
    variables : the unknown or the unknowns
    start : a number, or one for each unknown
    bits : the working precision

    Returns
    -------
    CERTIFIED with constants alpha, beta, gamma, or UNDECIDED with the reason

    Raises
    ------
    InputError : an equation is no polynomial in the unknowns

    References
    ----------
    S. Smale (1986); L. Blum, F. Cucker, M. Shub & S. Smale (1998), *Complexity and Real Computation*, sec. 8.2;
    J. D. Hauenstein & F. Sottile (2012), "alphaCertified", *ACM TOMS* 38:28, theorem 2.

    Examples
    --------
    >>> found = smale_alpha("z**3 - 1", "z", -0.5 + 0.9j)
    >>> found.verdict.word, found.root[0].text(12)
    ('certified', '-0.500000000000 + 0.866025403784j')
    """
    with ctx.workprec(bits):
        system, point = read_system(polynomials, variables, start)
        forms = polynomial_terms(system, bits)
        if forms is None:
            raise InputError(f"{system.equations[0]} is no polynomial in {', '.join(system.names)}; use kantorovich")
        return certify_point(system, forms, point, bits)


def is_polynomial(system: SmoothSystem) -> bool:
    """Say whether every equation is a polynomial of the unknowns, of a degree that is worth expanding."""
    polynomials = all(e.is_polynomial(*system.unknowns) for e in system.equations)
    return polynomials and all(_degree(system, i) <= LARGEST_DEGREE for i in range(len(system.unknowns)))


def _degree(system: SmoothSystem, i: int) -> int:
    polynomial = Poly(system.equations[i], *system.unknowns)
    return 0 if polynomial.is_zero else int(polynomial.total_degree())


def polynomial_terms(system: SmoothSystem, bits: int) -> list[Taylor] | None:
    """Return exponents → coefficient (a ball) for every equation, None where one is no polynomial."""
    if not is_polynomial(system):
        return None
    forms = []
    for equation in system.equations:
        terms = Poly(equation, *system.unknowns).terms()
        if system.domain == "complex":
            forms.append({powers: acb(complex_value(a.as_expr(), {})) for powers, a in terms})
        else:
            forms.append({powers: enclose(a.as_expr(), {}, bits=bits).value for powers, a in terms})
    return forms


def shifted(form: Taylor, point: Sequence[Any]) -> Taylor | None:
    """Return the coefficients of p(point + v) in v, None where there are too many to write."""
    if sum(math.prod(n + 1 for n in powers) for powers in form) > MOST_TERMS:
        return None
    found: Taylor = {}
    for powers, coefficient in form.items():
        for orders in product(*(range(n + 1) for n in powers)):
            term = coefficient
            for x, n, k in zip(point, powers, orders, strict=True):
                term = term * math.comb(n, k) * x ** (n - k)
            found[orders] = found[orders] + term if orders in found else term
    return found


def certify_point(system: SmoothSystem, forms: Sequence[Taylor], start: Sequence[Any], bits: int) -> Certificate:
    """Apply the theorem to every point of a small box at once."""
    moved = newton_step(system, start, bits)
    if moved is None:
        return undecided(SMALE, system.names, start, "the derivative may be singular there")
    step, inverse = moved
    beta = size(step)
    expanded = [shifted(form, start) for form in forms]
    if any(e is None for e in expanded):
        return undecided(SMALE, system.names, start, f"the Taylor expansions have more than {MOST_TERMS} terms")
    gamma = _gamma([e for e in expanded if e is not None], inverse)
    alpha = beta * gamma
    constants = {"alpha": rounded_up(alpha), "beta": rounded_up(beta), "gamma": rounded_up(gamma)}
    if not bool(arb(alpha.upper()) < threshold()):
        why = f"alpha <= {constants['alpha']:.4g} is not below (13-3*sqrt(17))/4 = 0.15767"
        return undecided(SMALE, system.names, start, why, constants)
    root = enclosed_root(system, start, SMALE, constants, bits)
    because = (
        f"Smale's theorem with alpha = {constants['alpha']:.4g} < (13-3*sqrt(17))/4 = 0.15767 (beta = "
        f"{constants['beta']:.4g}, gamma = {constants['gamma']:.4g}), enclosed in ball arithmetic"
    )
    return certified(SMALE, system.names, start, root, 2 * beta, constants, because)


def threshold() -> arb:
    """Return Smale's bound (13 - 3√17)/4 of α."""
    return (13 - 3 * arb(17).sqrt()) / 4


def _gamma(expanded: Sequence[Taylor], inverse: Any) -> arb:
    """Return an upper bound of γ: over k the (k-1)-th roots of the norms of the Taylor forms of F'(z)⁻¹F."""
    count = len(expanded)
    orders = sorted({order for form in expanded for order in form if sum(order) >= 2})
    norms: dict[int, list[arb]] = {}
    for order in orders:
        rows = norms.setdefault(sum(order), [arb(0)] * count)
        for i in range(count):
            parts = [inverse[i, m] * expanded[m][order] for m in range(count) if order in expanded[m]]
            rows[i] = rows[i] + arb(abs(sum(parts[1:], parts[0])).upper())
    largest = [arb(size(rows).root(k - 1).upper()) if k > 2 else size(rows) for k, rows in norms.items()]
    return size([arb(0), *largest])
