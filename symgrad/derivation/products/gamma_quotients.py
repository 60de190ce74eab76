"""Infinite products and sums of rational functions: quotients of Gamma functions, values of polygamma functions.

Π_{m≥0} Π_j (m + z_j)^{s_j} with Σ s_j = 0 and Σ s_j z_j = 0 is Π_j Γ(z_j)^{-s_j}
(Whittaker & Watson, *A Course of Modern Analysis*, §12.13).
"""

from collections.abc import Iterable

import sympy
from sympy import Expr, Integer, Poly, S

from symgrad.derivation.products.constants import sign_of
from symgrad.derivation.products.residues import step

LARGEST_DEGREE = 8
LARGEST_SHIFT = 50


def rational_product(factors: Iterable[tuple[Expr, Expr]]) -> Expr | None:
    """Return Π_{m≥0} Π f(m)^s for rational functions f and rational s, None where it diverges or has no such form.

    Parameters
    ----------
    factors : pairs (f, s); where s is no integer f must be positive

    Examples
    --------
    >>> rational_product([(1 - 1 / (step + 2) ** 2, S.One)])
    1/2
    >>> rational_product([(1 + 1 / (step + 1) ** 2, S.One)])
    sinh(pi)/pi
    """
    constant, shifts = S.One, dict[Expr, Expr]()
    for f, s in factors:
        top, bottom = sympy.fraction(sympy.cancel(sympy.together(f)))
        for part, turn in ((top, s), (bottom, -s)):
            leading, roots = _roots(part)
            if roots is None:
                return None
            constant *= leading**turn
            for root, multiplicity in roots.items():
                if not turn.is_Integer and sign_of(-root) != 1 and root.is_real is not False:
                    return None
                shifts[-root] = shifts.get(-root, S.Zero) + turn * multiplicity
    if not _is(constant, S.One) or sum(shifts.values()) != 0 or not _is(sum(z * s for z, s in shifts.items()), S.Zero):
        return None
    return gamma_product({z: -s for z, s in shifts.items() if s != 0})


def _is(value: Expr, expected: Expr) -> bool:
    difference = sympy.expand(value - expected)
    return difference == 0 or sign_of(difference) == 0


def _roots(part: Expr) -> tuple[Expr, dict[Expr, int] | None]:
    """Return the leading coefficient and the roots with multiplicity, None where they have no closed form."""
    if not part.has(step):
        return part, {}
    polynomial = Poly(part, step)
    if polynomial.degree() > LARGEST_DEGREE:
        return polynomial.LC(), None
    found = sympy.roots(polynomial)
    complete = sum(found.values()) == polynomial.degree() and all(r.count_ops() < 20 for r in found)
    return polynomial.LC(), {sympy.expand_complex(r): e for r, e in found.items()} if complete else None


def gamma_product(exponents: dict[Expr, Expr]) -> Expr | None:
    """Return ΠΓ(z)^s, simplified by Γ(z+1) = zΓ(z) and Γ(z)Γ(1-z) = π/sin(πz); None where a Γ has a pole."""
    value, reduced = S.One, dict[Expr, Expr]()
    for z, s in exponents.items():
        if z.is_Integer and z <= 0:
            return None
        rational, rest = sympy.expand(z).as_coeff_Add()
        if not rational.is_Rational:
            rational, rest = S.Zero, z
        shift = sympy.ceiling(rational) - 1
        if abs(shift) > LARGEST_SHIFT:
            shift = S.Zero
        base = rest + rational - shift
        # Γ(base + shift) = base·(base+1)·…·Γ(base)
        value *= sympy.prod([(base + j) ** s for j in range(int(shift))])
        value /= sympy.prod([(base - j) ** s for j in range(1, int(-shift) + 1)])
        reduced[base] = reduced.get(base, S.Zero) + s
    value *= _reflected(reduced)
    for z, s in reduced.items():
        value *= sympy.gamma(z) ** s
    return _tidy(value)


def _reflected(reduced: dict[Expr, Expr]) -> Expr:
    """Take the pairs with z + w = 1 or 2 out of the table and return their value."""
    value: Expr = S.One
    for z in list(reduced):
        for total in (1, 2):
            w = sympy.expand(total - z)
            if w == z or z not in reduced or reduced.get(w) != reduced[z] or reduced[z] == 0:
                continue
            s = reduced.pop(z)
            del reduced[w]
            pair = sympy.pi / sympy.sin(sympy.expand(sympy.pi * z))
            value *= (pair * (1 - z if total == 2 else 1)) ** s
    return value


def _tidy(value: Expr) -> Expr:
    """Write products of conjugate sines by real functions, and cancel."""
    if not value.has(S.ImaginaryUnit):
        return sympy.powsimp(sympy.radsimp(value)) if value.is_algebraic else value
    found: Expr = S.One
    sines: dict[Expr, Expr] = {}
    for factor in sympy.Mul.make_args(sympy.powsimp(value)):
        base, s = factor.as_base_exp()
        if isinstance(base, sympy.sin | sympy.cos):
            angle = base.args[0] if isinstance(base, sympy.sin) else sympy.pi / 2 - base.args[0]
            sines[angle] = sines.get(angle, S.Zero) + s
        else:
            found *= factor
    for angle in list(sines):
        for turn in (1, -1):
            other = sympy.expand(turn * sympy.conjugate(angle))
            if angle in sines and other in sines and other != angle and sines[other] == sines[angle]:
                s = sines.pop(angle)
                del sines[other]
                x, y = angle.as_real_imag()
                found *= (turn * (sympy.cosh(2 * y) - sympy.cos(2 * x)) / 2) ** s
    for angle, s in sines.items():
        found *= sympy.sin(angle) ** s
    real = sympy.expand(sympy.expand_complex(found)) if _plain(found) else found
    return sympy.factor_terms(real) if not real.has(S.ImaginaryUnit) else found


def _plain(value: Expr) -> bool:
    return not value.has(sympy.gamma) and value.count_ops() < 200


def exponent_sum(expr: Expr) -> Expr | None:
    """Return Σ_{m≥0} of a sum of rational functions and of terms polynomial(m)·q^m; None where that is not its form.

    >>> exponent_sum(1 / (step + 1) ** 2), exponent_sum(step * 2**-step)
    (pi**2/6, 2)
    """
    expr = sympy.expand(expr)
    total, rational = S.Zero, S.Zero
    for term in sympy.Add.make_args(expr):
        if term.is_rational_function(step):
            rational += term
            continue
        value = _geometric(term)
        if value is None:
            return None
        total += value
    found = _rational_sum(rational)
    return None if found is None else sympy.expand_func(total + found)


def _geometric(term: Expr) -> Expr | None:
    """Return Σ_{m≥0} m^j·c·q^m = c·(q d/dq)^j 1/(1-q) for |q| < 1."""
    for j in range(4):
        power = sympy.powsimp(sympy.expand_power_base(term / step**j))
        ratio = sympy.powsimp(sympy.expand(sympy.powsimp(power.xreplace({step: step + 1}) / power)))
        if ratio.has(step):
            continue
        if sign_of(1 - ratio**2) != 1:
            return None
        q = sympy.Dummy("q")
        series: Expr = 1 / (1 - q)
        for _ in range(j):
            series = q * sympy.diff(series, q)
        return power.subs(step, 0) * series.subs(q, ratio)
    return None


def _rational_sum(expr: Expr) -> Expr | None:
    """Return Σ_{m≥0} R(m) by partial fractions; it converges where the denominator's degree exceeds by 2."""
    top, bottom = sympy.fraction(sympy.cancel(sympy.together(expr)))
    if top == 0:
        return S.Zero
    if not bottom.has(step) or Poly(bottom, step).degree() < Poly(top, step).degree() + 2:
        return None
    leading, roots = _roots(bottom)
    if roots is None:
        return None
    total: Expr = S.Zero
    for root, multiplicity in roots.items():
        x = sympy.Dummy("x")
        others = leading * sympy.prod([(step - r) ** e for r, e in roots.items() if r != root])
        near = sympy.cancel(top / others).xreplace({step: x + root})
        for j in range(multiplicity):
            c = sympy.diff(near, x, j).subs(x, 0) / sympy.factorial(j)
            total += c * _pole_sum(multiplicity - j, -root)
    return sympy.simplify(sympy.expand_func(total))


def _pole_sum(order: int, z: Expr) -> Expr:
    """Return Σ_{m≥0} 1/(m + z)^order; for order 1 without the part that cancels in a convergent sum."""
    if order == 1:
        return -sympy.digamma(z)
    return sympy.zeta(Integer(order), z)


__all__ = ["exponent_sum", "gamma_product", "rational_product"]
