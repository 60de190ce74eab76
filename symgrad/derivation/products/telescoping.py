"""Products whose partial products have a closed form: a(m) = G(m+1)/G(m), so that Π_{m≥0} a(m) = lim G / G(0).

Every G found is proved by the induction step G(m+1) - a(m)·G(m) = 0 and tried on the first factors.
"""

from collections.abc import Iterator

import sympy
from sympy import Expr, S

from symgrad.derivation.identities.proofs import is_zero
from symgrad.derivation.products.asymptotics import Expander, limit_of
from symgrad.derivation.products.constants import sign_of
from symgrad.derivation.products.expansions import NoExpansionError
from symgrad.derivation.products.gamma_quotients import exponent_sum, rational_product
from symgrad.derivation.products.residues import step

LARGEST_SHIFT = 4
TRIED = 7


def exact_product(forms: tuple[Expr, ...]) -> tuple[Expr, str] | None:
    """Return Π_{m≥0} of the product of the forms, and the theorem it rests on; None where no form is known.

    Examples
    --------
    >>> exact_product((sympy.cos(2**-step),))[0]
    sin(2)/2
    """
    rational: list[tuple[Expr, Expr]] = []
    exponents: dict[Expr, Expr] = {}
    others: Expr = S.One
    for factor in sympy.Mul.make_args(sympy.Mul(*forms)):
        base, exponent = factor.as_base_exp()
        if base.is_rational_function(step) and exponent.is_Rational:
            rational.append((base, exponent))
        elif not base.has(step):
            exponents[base] = exponents.get(base, S.Zero) + exponent
        else:
            others *= factor
    parts = [_rational(rational), *map(_power, exponents.items()), _telescoped(others)]
    found = [part for part in parts if part is not None]
    if len(found) < len(parts):
        return None
    value = sympy.Mul(*[part for part, _ in found])
    return (value, "; ".join(dict.fromkeys(note for _, note in found if note))) if value.is_real is not False else None


def _rational(factors: list[tuple[Expr, Expr]]) -> tuple[Expr, str] | None:
    value = rational_product(factors)
    note = "a quotient of Gamma functions (Whittaker & Watson, §12.13)" if factors else ""
    return None if value is None else (value, note)


def _power(item: tuple[Expr, Expr]) -> tuple[Expr, str] | None:
    """Return Π b^{E(m)} = b^{Σ E(m)}."""
    base, exponent = item
    if sign_of(base) != 1:
        return None
    total = exponent_sum(exponent)
    return None if total is None else (base**total, "the sum of the exponents has a closed form")


def _telescoped(others: Expr) -> tuple[Expr, str] | None:
    if others == 1:
        return S.One, ""
    for g in _candidates(others):
        if _is_proved(others, g):
            try:
                limit = limit_of(Expander(step).expand(g))
            except NoExpansionError:
                continue
            first = g.subs(step, 0)
            if limit is not None and limit.is_finite and sign_of(first):
                return sympy.powsimp(limit / first), "the partial products have a closed form, proved by induction"
    return None


def _is_proved(a: Expr, g: Expr) -> bool:
    """Say whether G(m+1) = a(m)·G(m) is an identity that holds at the first m too."""
    if not is_zero(g.xreplace({step: step + 1}) - a * g):
        return False
    values = [g.subs(step, j) for j in range(TRIED + 1)]
    ratios = [values[j + 1] - a.subs(step, j) * values[j] for j in range(TRIED)]
    return all(
        v.is_finite and abs(r.evalf(30)) < 1e-20 * (1 + abs(v.evalf(30))) for v, r in zip(values, ratios, strict=False)
    )


def _candidates(a: Expr) -> Iterator[Expr]:
    shifted = _by_shifts(a)
    if shifted is not None:
        yield shifted
    if a.func in (sympy.cos, sympy.cosh):
        u = a.args[0]
        partner = sympy.sin if a.func is sympy.cos else sympy.sinh
        if is_zero(2 * u.xreplace({step: step + 1}) - u):
            yield 2**-step / partner(2 * u)
    v = sympy.expand(a - 1)
    if v.has(step) and is_zero(v.xreplace({step: step + 1}) - v**2):
        yield 1 - v


def _by_shifts(a: Expr) -> Expr | None:
    """Return G where the bases of a are one function at neighbouring m, whose exponents q(E) have q(1) = 0."""
    powers: dict[Expr, Expr] = dict(f.as_base_exp() for f in sympy.Mul.make_args(a))
    g: Expr = S.One
    while powers:
        base = next(
            (b for b in powers if not any(_shift(b, s, -1) in powers for s in range(1, LARGEST_SHIFT + 1))), None
        )
        if base is None:
            return None
        chain = [powers.pop(_shift(base, s), S.Zero) for s in range(LARGEST_SHIFT + 1)]
        if sum(chain) != 0 or any(e.has(step) for e in chain):
            return None
        total: Expr = S.Zero
        for s, exponent in enumerate(chain[:-1]):
            total -= exponent
            g *= _shift(base, s) ** total
    return g


def _shift(base: Expr, s: int, turn: int = 1) -> Expr:
    return base.xreplace({step: step + turn * s})
