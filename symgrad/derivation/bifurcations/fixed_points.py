"""Folds, flips, transcritical and pitchfork bifurcations and cusps of the fixed points of a scalar layer, exactly."""

from collections.abc import Iterator, Mapping, Sequence

import sympy
from sympy import Expr, Symbol

from symgrad.derivation.bifurcations.curves import Bifurcations, Curve, ExactPoint, Names, OpenEquation, domain_text
from symgrad.derivation.bifurcations.decimals import decimal_value
from symgrad.derivation.bifurcations.inversion import compare
from symgrad.derivation.bifurcations.layer_equations import LayerEquations, equations_of_layer
from symgrad.derivation.bifurcations.triangular import Branch, numerator, solve_triangular, solve_univariate
from symgrad.derivation.identities.proofs import is_zero, sign_proof, zero_proof
from symgrad.evidence import Verdict
from symgrad.maps import Map, to_text
from symgrad.symbols import real


def of_fixed_points(layer: Map, names: Names) -> Bifurcations:
    """Return the exact bifurcations of the fixed points of a scalar map.

    Parameters
    ----------
    layer : a smooth scalar map
    names : all of its parameters, one or two

    >>> [(c.kind, c.parameter, c.domain) for c in of_fixed_points(Map("v*tanh(w*x)", "x"), ("v", "w")).curves][:1]
    [('pitchfork', w, 'w != 0')]
    """
    equations = equations_of_layer(layer)
    unknowns = [real(name) for name in names]
    if equations.coordinate != equations.state:
        unknowns.append(equations.state)
    unknowns.append(equations.coordinate)
    curves: list[Curve] = []
    points: list[ExactPoint] = []
    open_: list[OpenEquation] = []
    remarks: list[str] = []
    bounds = {equations.coordinate: (equations.low, equations.high)}
    for multiplier in (1, -1):
        for branch in solve_triangular(equations.equations(multiplier), unknowns, bounds):
            if not _inside(equations, branch):
                continue
            proof = _proved(equations, branch, multiplier)
            if branch.equation is not None or (proof is None and len(branch.free) != len(names) - 1):
                _keep_open(equations, names, branch, multiplier, open_, remarks)
            elif len(branch.free) == len(names) - 1 and proof is not None:
                kind = _kind(equations, branch, names, multiplier)
                if kind is None:
                    remarks.append(f"multiplier {multiplier} with {_shown(branch)} is degenerate and left out")
                elif branch.free:
                    curves.append(_curve(equations, branch, names, kind, proof))
                else:
                    points.append(_point(equations, branch, names, kind))
            elif len(branch.free) < len(names) - 1 or proof is None:
                remarks.append(f"multiplier {multiplier} at {_shown(branch)} is an isolated or unverified solution")
            else:
                remarks.append(f"every state is fixed with multiplier {multiplier} at {_shown(branch)}")
    for curve in [c for c in curves if c.kind == "fold"]:
        _cusps(equations, curve, names, points, open_)
    return Bifurcations(layer, names, 1, tuple(_unique(curves)), _ordered(points), tuple(open_), (), tuple(remarks))


def _unique(curves: Sequence[Curve]) -> list[Curve]:
    return [c for i, c in enumerate(curves) if c not in curves[:i]]


def _ordered(points: Sequence[ExactPoint]) -> tuple[ExactPoint, ...]:
    distinct = [p for i, p in enumerate(points) if p not in points[:i]]
    return tuple(sorted(distinct, key=lambda p: [float(decimal_value(v)) for v in p.values.values()]))


def _shown(branch: Branch) -> str:
    return ", ".join(f"{s} = {to_text(e)}" for s, e in branch.values.items())


def _inside(equations: LayerEquations, branch: Branch) -> bool:
    """Say whether a coordinate that is a number lies in its interval."""
    value = branch.values.get(equations.coordinate)
    if value is None or value.free_symbols:
        return True
    return compare(value, equations.low) == 1 and compare(equations.high, value) == 1


def _substitution(equations: LayerEquations, branch: Branch) -> dict[Symbol, Expr]:
    return {**{s: s for s in branch.free}, **branch.values}


def _proved(equations: LayerEquations, branch: Branch, multiplier: int) -> str | None:
    """Put a branch back into the map: f(x) − x and f'(x) − μ must be identically 0 on it."""
    at = _substitution(equations, branch)
    layer = equations.layer
    methods = []
    for original, written in (
        (layer.expr - layer.state[0], equations.form - equations.state),
        (layer.jacobian[0][0] - multiplier, equations.along(equations.form, equations.state) - multiplier),
    ):
        proof = zero_proof(original.xreplace(at))
        if proof is None:
            links = equations.link is None or zero_proof(equations.link.xreplace(at))
            proof = zero_proof(written.xreplace(at)) if links else None
        if proof is None:
            return None
        methods.append(proof)
    return ", ".join(dict.fromkeys(methods))


def _kind(equations: LayerEquations, branch: Branch, names: Names, multiplier: int) -> str | None:
    """Name the bifurcation by which derivatives vanish on the branch, None for a degenerate one."""
    at = _substitution(equations, branch)
    x = equations.state
    first = equations.along(equations.form, x)
    second = equations.along(first, x)
    third = equations.along(second, x)
    f2, f3 = second.xreplace(at), third.xreplace(at)
    if multiplier == -1:
        return None if is_zero(2 * f3 + 3 * f2**2) and not is_zero(f3) else "flip"
    moves = not all(is_zero(equations.along(equations.form, real(name)).xreplace(at)) for name in names)
    if moves:
        return None if is_zero(f2) else "fold"
    if not is_zero(f2):
        return "transcritical"
    return None if is_zero(f3) else "pitchfork"


def _curve(equations: LayerEquations, branch: Branch, names: Names, kind: str, proof: str) -> Curve:
    (free,) = branch.free
    bounded = free == equations.coordinate
    low, high = (equations.low, equations.high) if bounded else (-sympy.oo, sympy.oo)
    at = _substitution(equations, branch)
    wanted = [real(name) for name in names] + [equations.state]
    expressions = {s.name: tidy(at[s], free, low, high) for s in wanted if s != free or s in map(real, names)}
    conditions = tuple(dict.fromkeys(t for e in branch.nonzero for t in _excluded(e, expressions, free, low, high)))
    if not bounded and equations.coordinate in at and equations.low != -sympy.oo:
        conditions += tuple(_range_conditions(equations, at[equations.coordinate]))
    return Curve(kind, 1, free, low, high, conditions, expressions, Verdict.PROVED, proof)


def _range_conditions(equations: LayerEquations, value: Expr) -> Iterator[str]:
    if value.free_symbols:
        yield domain_text(Symbol(f"({to_text(value)})"), equations.low, equations.high)


def tidy(expr: Expr, symbol: Symbol, low: Expr = -sympy.oo, high: Expr = sympy.oo) -> Expr:
    """Return an expression with its rational part factored, divisors positive in the middle of the interval.

    >>> from symgrad.symbols import s
    >>> tidy(s / (s**2 - s) + sympy.log(s / (1 - s)), s, sympy.S.Zero, sympy.S.One)
    log(s/(1 - s)) - 1/(1 - s)
    """
    terms = sympy.Add.make_args(expr)
    rational = sympy.Add(*[t for t in terms if t.is_rational_function(symbol)])
    other = sympy.Add(*[t for t in terms if not t.is_rational_function(symbol)])
    top, below = sympy.fraction(sympy.factor(sympy.cancel(rational)))
    inside = {symbol: _middle(low, high)}
    product, turn = sympy.S.One, 1
    for factor in sympy.Mul.make_args(below):
        base, exponent = factor.as_base_exp()
        negative = compare(base.xreplace(inside), sympy.S.Zero) == -1
        product *= (-base) ** exponent if negative else factor
        turn = -turn if negative and exponent.is_odd else turn
    result = turn * top / product + other
    forms = [result, turn * top / sympy.expand(product) + other]
    kept = [form for form in forms if is_zero(form - expr)]
    return min([expr, *kept], key=lambda e: (sympy.count_ops(e), e is expr))


def _middle(low: Expr, high: Expr) -> Expr:
    """Return a number between two bounds that is no likely root."""
    third = sympy.Rational(1, 3)
    if low == -sympy.oo:
        return third if high == sympy.oo else high - third
    return low + third if high == sympy.oo else low + (high - low) * third


def finite_at(expressions: Mapping[str, Expr], symbol: Symbol, root: Expr) -> bool:
    """Say whether every expression of a curve has a value at a point; identities on the curve hold there by continuity.

    >>> from symgrad.symbols import w
    >>> finite_at({"v": 1 / w}, w, sympy.S.Zero)
    False
    """
    values = [e.xreplace({symbol: root}) for e in expressions.values()]
    return not any(v.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo) for v in values)


def _excluded(expr: Expr, expressions: Mapping[str, Expr], symbol: Symbol, low: Expr, high: Expr) -> Iterator[str]:
    """Yield the conditions expr != 0 that are not already implied by the interval or void."""
    top = numerator(expr)
    if symbol not in top.free_symbols or sign_proof(top**2, strict=True):
        return
    solved = solve_univariate(top, symbol, low, high)
    yield from (f"{symbol} != {to_text(root)}" for root, _ in solved.roots if not finite_at(expressions, symbol, root))
    yield from (f"{to_text(factor)} != 0" for factor in solved.left)


def _point(equations: LayerEquations, branch: Branch, names: Names, kind: str) -> ExactPoint:
    at = branch.values
    return ExactPoint(kind, 1, {name: _simple(at[real(name)]) for name in names}, _simple(at[equations.state]), {})


def _simple(value: Expr) -> Expr:
    """Return an exact number in its shortest form that is proved to be the same."""
    forms = [value, sympy.expand(value), sympy.radsimp(value) if value.is_algebraic else value]
    kept = [f for f in forms if f is value or is_zero(f - value)]
    return min(kept, key=lambda e: (sympy.count_ops(e), len(str(e))))


def _keep_open(
    equations: LayerEquations,
    names: Names,
    branch: Branch,
    multiplier: int,
    open_: list[OpenEquation],
    remarks: list[str],
) -> None:
    """Keep an equation in one unknown that fixes everything; say so where it does not."""
    at = _substitution(equations, branch)
    if branch.equation is None or len(branch.free) != 1 or len(names) != 1:
        left = "" if branch.equation is None else f" on {to_text(branch.equation)} = 0"
        remarks.append(f"multiplier {multiplier}{left} has no closed form here; such a curve can be traced")
        return
    kind = "flip" if multiplier == -1 else ""
    (free,) = branch.free
    low, high = (equations.low, equations.high) if free == equations.coordinate else (-sympy.oo, sympy.oo)
    known = tuple(root for root, _ in solve_univariate(branch.equation, free, low, high).roots)
    values = {name: at[real(name)] for name in names}
    open_.append(OpenEquation(kind, 1, free, low, high, branch.equation, values, at[equations.state], known))


def _cusps(
    equations: LayerEquations, curve: Curve, names: Names, points: list[ExactPoint], open_: list[OpenEquation]
) -> None:
    """Find where f'' vanishes too along a fold curve."""
    at = {real(name): e for name, e in curve.expressions.items()}
    second = equations.along(equations.along(equations.form, equations.state), equations.state)
    third = equations.along(second, equations.state).xreplace(at)
    equation = second.xreplace(at)
    t = curve.parameter
    solved = solve_univariate(equation, t, curve.low, curve.high)
    for root, _ in solved.roots:
        values = {name: curve.expressions[name].xreplace({t: root}) for name in names}
        there = all(value.is_finite and not value.has(sympy.nan, sympy.zoo) for value in values.values())
        if there and not is_zero(third.xreplace({t: root})):
            values = {name: _simple(value) for name, value in values.items()}
            state = equations.state.xreplace(at).xreplace({t: root})
            points.append(ExactPoint("cusp", 1, values, _simple(state), {}))
    known = tuple(root for root, _ in solved.roots)
    state = equations.state.xreplace(at)
    values = {name: curve.expressions[name] for name in names}
    open_ += [OpenEquation("cusp", 1, t, curve.low, curve.high, f, values, state, known) for f in solved.left]
