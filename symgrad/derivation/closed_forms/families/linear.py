"""Linear and affine maps of two or three components: Wⁿ = c₀ + c₁W + c₂W² by the eigenvalues of W.

By the theorem of Cayley and Hamilton W satisfies its characteristic equation, so Wⁿ is the polynomial in W that
takes the values λⁿ at the eigenvalues, with derivatives at multiple ones (Horn & Johnson, *Topics in Matrix
Analysis*, 1991, sec. 6.1). An affine map of two components is linear on (x, y, 1).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy
from sympy import Eq, Expr, Gt, Integer, Lt, Matrix, Ne, S, Symbol, acos, cos, sin, sqrt

from symgrad.derivation.closed_forms.families.registry import all_or_none, family
from symgrad.derivation.closed_forms.induction import Branch, proof_steps, settled
from symgrad.derivation.identities.proofs import is_zero, zero_proof
from symgrad.evidence import Evidence, Verdict
from symgrad.maps import Map
from symgrad.symbols import n

LARGEST = 400

_z = Symbol("z", real=True)
_s, _t, _u = (Symbol(name, real=True) for name in "stu")
_r, _theta = Symbol("r", positive=True), Symbol("theta", real=True)


@dataclass(frozen=True)
class Spectrum:
    """A kind of spectrum: the polynomial with these roots, and the remainder of zⁿ modulo it.

    Parameters
    ----------
    roots : the polynomial in z whose roots are the eigenvalues
    power : the remainder of zⁿ, in z and n
    """

    roots: Expr
    power: Expr


def _two_distinct(s: Expr, t: Expr) -> Expr:
    return (s**n * (_z - t) - t**n * (_z - s)) / (s - t)


def _double(s: Expr) -> Expr:
    return s**n + n * s ** (n - 1) * (_z - s)


def _rotation() -> Expr:
    return (_r ** (n - 1) * sin(n * _theta) * _z - _r**n * sin((n - 1) * _theta)) / sin(_theta)


def _extended(two: Expr, roots: Expr, u: Expr) -> Expr:
    """Return the remainder modulo (z - u)·roots from the one modulo roots."""
    return two + (u**n - two.xreplace({_z: u})) / roots.xreplace({_z: u}) * roots


def _spectra() -> dict[str, Spectrum]:
    distinct, turning = (_z - _s) * (_z - _t), _z**2 - 2 * _r * cos(_theta) * _z + _r**2
    triple = _double(_s) + n * (n - 1) / 2 * _s ** (n - 2) * (_z - _s) ** 2
    return {
        "real": Spectrum(distinct, _two_distinct(_s, _t)),
        "double": Spectrum((_z - _s) ** 2, _double(_s)),
        "complex": Spectrum(turning, _rotation()),
        "real, real": Spectrum(distinct * (_z - _u), _extended(_two_distinct(_s, _t), distinct, _u)),
        "double, real": Spectrum((_z - _s) ** 2 * (_z - _u), _extended(_double(_s), (_z - _s) ** 2, _u)),
        "complex, real": Spectrum(turning * (_z - _u), _extended(_rotation(), turning, _u)),
        "triple": Spectrum((_z - _s) ** 3, triple),
    }


SPECTRA = _spectra()


def _coefficients(expr: Expr, size: int) -> list[Expr]:
    """Return the coefficients of a polynomial in z of degree below ``size``, the constant one first."""
    derivatives = [expr]
    for order in range(1, size):
        derivatives.append(sympy.diff(derivatives[-1], _z) / order)
    return [d.xreplace({_z: S.Zero}) for d in derivatives]


@lru_cache(maxsize=16)
def _law(kind: str) -> tuple[Evidence, ...] | None:
    """Prove zⁿ⁺¹ ≡ z·(zⁿ) modulo the roots, coefficient by coefficient, and z¹ = z."""
    spectrum = SPECTRA[kind]
    size = sympy.degree(sympy.expand(spectrum.roots), _z)
    now, then = (_coefficients(spectrum.power.xreplace({n: m}), size) for m in (n, n + 1))
    begin = _coefficients(spectrum.power.xreplace({n: S.One}), size)
    monic = _coefficients(spectrum.roots, size + 1)
    shifted = [S.Zero, *now[:-1]]
    claims = [(f"W^1 = W, coefficient {i}", begin[i] - Integer(i == 1)) for i in range(size)]
    claims += [(f"W^(n+1) = W W^n, coefficient {i}", shifted[i] - now[-1] * monic[i] - then[i]) for i in range(size)]
    return proof_steps(claims)


@lru_cache(maxsize=1)
def _nilpotent() -> tuple[Evidence, ...] | None:
    """Prove that W³ = 0 leaves W, W² and 0."""
    later = Symbol("m", integer=True, nonnegative=True)
    one, two = NILPOTENT
    claims = [("W^1 = W", one.subs(n, 1) - 1 + two.subs(n, 1)), ("W^2 = W W", two.subs(n, 2) - 1 + one.subs(n, 2))]
    return proof_steps([*claims, ("W^n = 0 for n > 2", (one**2 + two**2).subs(n, later + 3))])


NILPOTENT = (S.Zero ** (n - 1), S.Zero ** sympy.Abs(n - 2))


@dataclass(frozen=True)
class Plan:
    """A kind of spectrum that W may have: where it has it, and the certificate.

    Parameters
    ----------
    kind : the key in ``SPECTRA``, or "nilpotent"
    values : the law's symbols → eigenvalues
    conditions : relations that must hold
    equations : expression that must be 0 → polynomial in z; the sum of their products is the difference between the
        polynomial of the spectrum and the characteristic polynomial of W
    """

    kind: str
    values: dict[Symbol, Expr]
    conditions: tuple[Any, ...] = ()
    equations: tuple[tuple[Expr, Expr], ...] = ()

    @property
    def settled(self) -> tuple[Any, ...] | None:
        """The conditions that are open, None where W never has this spectrum."""
        return settled([*self.conditions, *(Eq(e, 0) for e, _ in self.equations)])


def _of_quadratic(trace: Expr, determinant: Expr, u: Expr | None) -> Iterator[Plan]:
    """Yield the spectra of (z² - Tz + Δ), times (z - u) unless u is None."""
    gap = sympy.factor_terms(sympy.expand(trace**2 - 4 * determinant))
    half, root, length = trace / 2, sqrt(gap) / 2, sqrt(determinant)
    real = {_s: half + root, _t: half - root}
    polar = {_r: length, _theta: acos(half / length)}
    if u is None:
        yield Plan("real", real, (Gt(gap, 0),))
        yield Plan("complex", polar, (Lt(gap, 0),))
        yield Plan("double", {_s: half}, (), ((gap, S.One / 4),))
        return
    square = _z**2 - trace * _z + determinant
    meets = sympy.factor_terms(sympy.expand(square.xreplace({_z: u})))
    yield Plan("real, real", {**real, _u: u}, (Gt(gap, 0), Ne(meets, 0)))
    yield Plan("complex, real", {**polar, _u: u}, (Lt(gap, 0),))
    yield Plan("double, real", {_s: half, _u: u}, (Ne(u - half, 0),), ((gap, (_z - u) / 4),))
    yield Plan("double, real", {_s: u, _u: trace - u}, (Gt(gap, 0),), ((meets, -(_z - u)),))
    apart = u - half
    yield from _triple(u, ((gap, (_z - u) / 4), (apart, (_z - u) * (2 * u - apart - 2 * _z))))


def _triple(value: Expr, equations: tuple[tuple[Expr, Expr], ...]) -> Iterator[Plan]:
    """Yield the spectra of a triple eigenvalue, with the one of a nilpotent matrix apart."""
    yield Plan("triple", {_s: value}, (Ne(value, 0),), equations)
    rest = 3 * _z**2 - 3 * _z * value + value**2
    yield Plan("nilpotent", {}, (), (*equations, (value, rest)))


def _of_roots(roots: Sequence[Expr]) -> Iterator[Plan]:
    """Yield the spectra of two or three eigenvalues, as far as they coincide."""
    if len(roots) == 2:
        s, t = roots
        yield Plan("real", {_s: s, _t: t}, (Ne(s - t, 0),))
        yield Plan("double", {_s: s}, (), ((s - t, -(_z - s)),))
        return
    s, t, u = roots
    yield Plan("real, real", {_s: s, _t: t, _u: u}, (Ne(s - t, 0), Ne(s - u, 0), Ne(t - u, 0)))
    for a, b, c in ((s, t, u), (s, u, t), (t, u, s)):
        yield Plan("double, real", {_s: a, _u: c}, (Ne(a - c, 0),), ((a - b, -(_z - a) * (_z - c)),))
    yield from _triple(s, ((s - t, -((_z - s) ** 2)), (s - u, -(_z - s) * (_z - t))))


def _of_extended(W: Matrix, meets: Expr) -> Iterator[Plan]:
    """Yield the spectra of [[W, b], [0, 1]] where 1 is an eigenvalue of W as well, ``meets`` = det(1 - W) = 0."""
    above = sympy.factor_terms(sympy.expand(W.trace() - 2))
    yield Plan("double, real", {_s: S.One, _u: above + 1}, (Ne(above, 0),), ((meets, -(_z - 1)),))
    yield Plan("triple", {_s: S.One}, (), ((above, (_z - 1) ** 2), (meets, -(_z - 1))))


def _plans(W: Matrix) -> Iterator[Plan]:
    """Yield the spectra that a matrix may have, by the factors of its characteristic polynomial."""
    try:
        _, factors = sympy.factor_list(W.charpoly().as_expr(_z), _z)
    except (sympy.PolynomialError, NotImplementedError):
        return
    roots: list[Expr] = []
    quadratic: tuple[Expr, Expr] | None = None
    for factor, multiplicity in factors:
        *lower, lead = _coefficients(factor, int(sympy.degree(factor, _z)) + 1)
        if len(lower) == 1:
            roots += [sympy.cancel(-lower[0] / lead)] * multiplicity
        elif len(lower) == 2 and multiplicity == 1:
            quadratic = (sympy.cancel(-lower[1] / lead), sympy.cancel(lower[0] / lead))
        elif lower:
            return
    if quadratic is not None:
        yield from _of_quadratic(*quadratic, roots[0] if roots else None)
    else:
        yield from _of_roots(roots)


def _polynomial_of(W: Matrix, expr: Expr) -> Matrix:
    """Return the value of a polynomial in z at a matrix."""
    powers = [Matrix.eye(W.rows)]
    while len(powers) < 5:
        powers.append(powers[-1] * W)
    total = Matrix.zeros(W.rows)
    for coefficient, power in zip(_coefficients(expr, 5), powers, strict=True):
        total += coefficient * power
    return total


def _power(W: Matrix, plan: Plan) -> tuple[Matrix, tuple[Evidence, ...]] | None:
    """Return Wⁿ where W has the spectrum of a plan, with its proof, or None."""
    nilpotent = plan.kind == "nilpotent"
    steps = _nilpotent() if nilpotent else _law(plan.kind)
    roots = _z**3 if nilpotent else SPECTRA[plan.kind].roots.xreplace(plan.values)
    difference = roots - W.charpoly().as_expr(_z)
    for equation, cofactor in plan.equations:
        difference -= cofactor * equation
    same = zero_proof(difference)
    if steps is None or same is None:
        return None
    cayley = Evidence(f"the spectrum is {plan.kind}: the characteristic polynomial of W", Verdict.PROVED, same)
    if nilpotent:
        return NILPOTENT[0] * W + NILPOTENT[1] * W * W, (*steps, cayley)
    return _polynomial_of(W, SPECTRA[plan.kind].power.xreplace(plan.values)), (*steps, cayley)


def _affine_parts(f: Map) -> tuple[Matrix, Matrix] | None:
    """Return W and the offsets of an affine map, else None."""
    W = Matrix(f.jacobian)
    if W.has(*f.state):
        W = W.applyfunc(sympy.expand)
    if any(W.has(s) for s in f.state) or sum(sympy.count_ops(e) for e in W) > LARGEST:
        return None
    offsets = Matrix([e.xreplace(dict.fromkeys(f.state, S.Zero)) for e in f.exprs])
    if any(e in (S.NaN, S.ComplexInfinity) for e in offsets):
        return None
    same = (f_i - row for f_i, row in zip(f.exprs, W * Matrix(f.state) + offsets, strict=True))
    return (W, offsets) if all(is_zero(e) for e in same) else None


def _branch(
    power: Matrix, start: Matrix, shift: Matrix, conditions: tuple[Any, ...], steps: tuple[Evidence, ...]
) -> Branch:
    """Return the branch of xₙ = shift + Wⁿ·start, in the first components."""
    size = shift.rows
    image = power * start
    rows = tuple(tuple(power[i, j] for j in range(size)) for i in range(size))
    return Branch(conditions, tuple(shift[i] + image[i] for i in range(size)), rows, steps)


def _diagonal(W: Matrix) -> tuple[Matrix, tuple[Evidence, ...]] | None:
    """Return the power of a diagonal matrix."""
    entries = [W[i, i] for i in range(W.rows)]
    steps = proof_steps([(f"W^(n+1) = W W^n, entry {i + 1}", e * e**n - e ** (n + 1)) for i, e in enumerate(entries)])
    return None if steps is None else (sympy.diag(*(e**n for e in entries)), steps)


def _around_fixed_point(f: Map, W: Matrix, offsets: Matrix) -> list[Branch | None]:
    """Return the branches xₙ = x* + Wⁿ(x - x*), with x* the fixed point where there is exactly one."""
    size = f.dimension
    state, away = Matrix(f.state), Matrix.eye(size) - W
    rest, apart = Matrix.zeros(size, 1), (S.true,)
    steps: tuple[Evidence, ...] = ()
    if any(offsets):
        determinant = sympy.factor_terms(sympy.expand(away.det()))
        if is_zero(determinant):
            return []
        rest = away.adjugate() * offsets / determinant
        fixed = proof_steps([("x* is a fixed point", e) for e in W * rest + offsets - rest])
        if fixed is None:
            return [None]
        steps, apart = fixed[:1], (Ne(determinant, 0),)
    if W.is_diagonal():
        plans = [(settled(apart), _diagonal(W))]
    else:
        plans = [(settled([*apart, *p.settled]), _power(W, p)) for p in _plans(W) if p.settled is not None]
    found: list[Branch | None] = [] if plans else [None]
    for conditions, power in plans:
        if conditions is not None:
            found.append(power and _branch(power[0], state - rest, rest, conditions, (*steps, *power[1])))
    return found


def _without_fixed_point(f: Map, W: Matrix, offsets: Matrix) -> list[Branch | None]:
    """Return the branches of an affine map of two components where 1 is an eigenvalue, as a linear map of (x, y, 1)."""
    meets = sympy.factor_terms(sympy.expand((Matrix.eye(2) - W).det()))
    full = Matrix.vstack(W.row_join(offsets), Matrix([[0, 0, 1]]))
    start = Matrix([*f.state, S.One])
    found: list[Branch | None] = []
    for plan in _of_extended(W, meets):
        conditions = plan.settled
        if conditions is not None:
            power = _power(full, plan)
            found.append(power and _branch(power[0], start, Matrix.zeros(2, 1), conditions, power[1]))
    return found


@family("linear", dimensions=(2, 3))
def linear(f: Map) -> tuple[Branch, ...]:
    """Linear and affine maps of two or three components, momentum steps among them: xₙ = x* + Wⁿ(x - x*)."""
    parts = _affine_parts(f)
    if parts is None:
        return ()
    W, offsets = parts
    found = _around_fixed_point(f, W, offsets)
    if any(offsets) and f.dimension == 2:
        found += _without_fixed_point(f, W, offsets)
    return all_or_none(*found)
