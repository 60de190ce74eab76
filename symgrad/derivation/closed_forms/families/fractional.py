"""Möbius maps (ax+b)/(cx+d) and Newton's maps of quadratics, which are x ↦ x² in a fractional linear coordinate."""

import sympy
from sympy import Eq, Expr, Gt, Integer, Lt, Ne, S, Symbol, acos, atan, cos, sin, sqrt, tan

from symgrad.derivation.closed_forms.families.affine import GEOMETRIC, OFFSET, SLOPE, TRANSLATION
from symgrad.derivation.closed_forms.families.registry import all_or_none, family
from symgrad.derivation.closed_forms.induction import Branch, Law, branch, decided, fraction, settled
from symgrad.maps import Map, to_text
from symgrad.symbols import n

_x, _a, _b, _c, _d, _s, _t = (Symbol(name, real=True) for name in "xabcdst")
_determinant, _gap, _theta = (Symbol(name, real=True) for name in ("Delta", "gap", "theta"))
_r = Symbol("r", positive=True)
_STEP = (_a * _x + _b) / (_c * _x + _d)


def _hyperbolic() -> Law:
    """Two real eigenvalues s, t of [[a, b], [c, d]]: its power is sⁿP + tⁿQ (Sylvester)."""
    p, q = _s**n, _t**n
    below = _c * (p - q) * _x + p * (_d - _t) - q * (_d - _s)
    iterate = ((p * (_a - _t) - q * (_a - _s)) * _x + _b * (p - q)) / below
    short = (
        (_b, -(_a - _s) * (_a - _t) / _c),
        (_d, _s + _t - _a),
        (_determinant, _s * _t),
        (_gap, (_s - _t) ** 2),
    )
    return Law(_x, _STEP, iterate, _determinant**n * _gap / below**2, abbreviations=short)


def _parabolic() -> Law:
    """A double eigenvalue t: the power is tⁿ⁻¹(nM - (n-1)t), whose factor tⁿ⁻¹ cancels."""
    d, b = 2 * _t - _a, -((_a - _t) ** 2) / _c
    below = n * _c * _x + n * d - (n - 1) * _t
    iterate = ((n * _a - (n - 1) * _t) * _x + n * b) / below
    return Law(_x, _STEP.xreplace({_b: b, _d: d}), iterate, _t**2 / below**2)


def _elliptic() -> Law:
    """Eigenvalues r·exp(±iθ): the power is rⁿ⁻¹(sin(nθ)M - r sin((n-1)θ))/sin θ."""
    d = 2 * _r * cos(_theta) - _a
    p, q = sin(n * _theta), _r * sin((n - 1) * _theta)
    below = _c * p * _x + _d * p - q
    iterate = ((_a * p - q) * _x + _b * p) / below
    short = ((_b, (_a * d - _r**2) / _c), (_d, d), (_gap, _r**2 * sin(_theta) ** 2))
    return Law(_x, _STEP, iterate, _gap / below**2, abbreviations=short)


CONSTANT = Law(_x, _a, _a, S.Zero, first=1)
HYPERBOLIC, PARABOLIC, ELLIPTIC = _hyperbolic(), _parabolic(), _elliptic()


@family("Möbius")
def moebius(f: Map) -> tuple[Branch, ...]:
    """Möbius maps (ax+b)/(cx+d): hyperbolic, elliptic or parabolic by the sign of (a+d)² - 4(ad-bc)."""
    (x,) = f.state
    parts = fraction(f.expr, x)
    if parts is None or len(parts[0]) > 2 or len(parts[1]) != 2:
        return ()
    b, a = parts[0] if len(parts[0]) == 2 else (parts[0][0], S.Zero)
    d, c = parts[1]
    trace, determinant = a + d, sympy.expand(a * d - b * c)
    discriminant = sympy.factor_terms(sympy.expand(trace**2 - 4 * determinant))
    pole = f"no iterate before the last is {to_text(-d / c)}"
    common = [Ne(c, 0), Ne(determinant, 0)]
    root, half = sqrt(discriminant), trace / 2
    length = sqrt(determinant)
    all_four = {_a: a, _b: b, _c: c, _d: d}
    eigenvalues = {_s: half + root / 2, _t: half - root / 2, _determinant: determinant, _gap: discriminant}
    polar = {_r: length, _theta: acos(half / length), _gap: -discriminant / 4}
    plans = [
        (HYPERBOLIC, {**all_four, **eigenvalues}, [*common, Gt(discriminant, 0)], ()),
        (ELLIPTIC, {**all_four, **polar}, [*common, Lt(discriminant, 0)], ()),
        (
            PARABOLIC,
            {_a: a, _c: c, _t: half},
            [*common, Eq(discriminant, 0)],
            ((discriminant, 1 / (4 * c * (c * x + d))),),
        ),
        (CONSTANT, {_a: a / c}, [Ne(c, 0), Eq(determinant, 0), Ne(trace, 0)], ((determinant, -1 / (c * (c * x + d))),)),
    ]
    found: list[Branch | None] = []
    for law, values, conditions, zeros in plans:
        kept = settled(conditions)
        if kept is not None:
            found.append(branch(f, law, values, conditions=kept, vanishing=zeros, domain=(pole,)))
    if decided(Ne(c, 0)) is None:
        found += _without_pole(f, a, b, c, d)
    return all_or_none(*found)


def _without_pole(f: Map, a: Expr, b: Expr, c: Expr, d: Expr) -> list[Branch | None]:
    """Return the affine branches at c = 0."""
    (x,) = f.state
    gap = -(a * x + b) * x / (d * (c * x + d))
    first = branch(f, GEOMETRIC, {SLOPE: a / d, OFFSET: b / d}, conditions=(Eq(c, 0), Ne(a, d)), vanishing=((c, gap),))
    second = branch(
        f, TRANSLATION, {OFFSET: b / d}, conditions=(Eq(c, 0), Eq(a, d)), vanishing=((c, gap), (a - d, x / d))
    )
    return [first, second]


def _two_real_roots() -> Law:
    """x ↦ (x² + r²)/(2x): (x-r)/(x+r) is squared."""
    p, q = (_x + _r) ** (2**n), (_x - _r) ** (2**n)
    slope = 4 * 2**n * _r**2 * (_x**2 - _r**2) ** (2**n - 1) / (p - q) ** 2
    return Law(_x, (_x**2 + _r**2) / (2 * _x), _r * (p + q) / (p - q), slope)


def _no_real_root() -> Law:
    """x ↦ (x² - r²)/(2x): the angle of x = r cot θ is doubled."""
    angle = 2**n * atan(_x / _r)
    slope = 2**n * _r**2 / ((_x**2 + _r**2) * sin(angle) ** 2)
    return Law(_x, (_x**2 - _r**2) / (2 * _x), -_r / tan(angle), slope, first=1)


TWO_ROOTS, NO_ROOT = _two_real_roots(), _no_real_root()
HALVING = Law(_x, _x / 2, _x / 2**n, 1 / Integer(2) ** n)


@family("Newton on a quadratic")
def newton_on_a_quadratic(f: Map) -> tuple[Branch, ...]:
    """Newton's map of a quadratic: x ↦ x² or cot θ ↦ cot 2θ in the coordinate of its two roots, real or not."""
    (x,) = f.state
    parts = fraction(f.expr, x)
    if parts is None or len(parts[0]) != 3 or len(parts[1]) != 2:
        return ()
    (below, two), (constant, linear, square) = parts[1], parts[0]
    if square == 0 or sympy.expand(two - 2 * square) != 0 or linear != 0:
        return ()
    centre = -below / two
    gap = sympy.factor_terms(sympy.expand(centre**2 + constant / square))
    pole = f"no iterate before the last is {to_text(centre)}"
    plans = [
        (TWO_ROOTS, {_r: sqrt(gap)}, [Gt(gap, 0), Ne(x, centre)], (), ()),
        (NO_ROOT, {_r: sqrt(-gap)}, [Lt(gap, 0)], (), (pole,)),
        (HALVING, {}, [Eq(gap, 0), Ne(x, centre)], ((gap, 1 / (2 * (x - centre))),), ()),
    ]
    found: list[Branch | None] = []
    curved = Ne(square, 0)
    for law, values, conditions, zeros, domain in plans:
        kept = settled([curved, *conditions])
        if kept is not None:
            found.append(
                branch(f, law, values, change=(S.One, -centre), conditions=kept, vanishing=zeros, domain=domain)
            )
    flat = settled([Eq(square, 0), Ne(below, 0)])
    if flat is not None:
        value = constant / below
        zeros = ((square, (x**2 - 2 * value * x) / (below + two * x)),)
        found.append(branch(f, CONSTANT, {_a: value}, conditions=flat, vanishing=zeros))
    return all_or_none(*found)
