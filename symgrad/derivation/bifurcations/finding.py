"""Where fixed points and cycles are born, merge and lose stability, as exact curves and points of the parameters.

A fixed point of multiplier μ solves f(x) = x, f'(x) = μ: fold, transcritical or pitchfork at μ = 1, flip at μ = −1
(Kuznetsov 2004, *Elements of Applied Bifurcation Theory*, ch. 4). Two parameters that enter linearly follow from the
coordinate of the fixed point, which parametrises the curve; one parameter is left with points. Cycles of quadratic
maps come from their multiplier polynomials. Every solution is put back into the map before it is stated.
"""

from collections.abc import Sequence

import sympy
from sympy import Expr, Poly, Symbol

from symgrad.derivation.bifurcations.curves import Bifurcations, Curve, Names
from symgrad.derivation.bifurcations.cycles import checked_period, quadratic_form
from symgrad.derivation.bifurcations.fixed_points import of_fixed_points
from symgrad.derivation.bifurcations.layer_equations import refuse_kinks
from symgrad.derivation.bifurcations.planar import planar_bifurcations
from symgrad.derivation.bifurcations.quadratic_bifurcations import of_quadratic_cycles, superstable_points
from symgrad.derivation.equilibria import fixed_start
from symgrad.derivation.identities.proofs import sign_proof
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Map, to_text
from symgrad.symbols import real


def find_bifurcations(
    layer: Map, parameters: Sequence[str], *, period: int = 1, start: Expr | None = None
) -> Bifurcations:
    """Return the exact bifurcations of the fixed points or cycles of a map of one component, or two.

    Parameters
    ----------
    layer : a map whose parameters are those named, and no others
    parameters : one or two names
    period : of the cycles, at most 6
    start : an exact start value x₀, for the curve on which it is a repelling fixed point

    Raises
    ------
    InputError : a parameter does not enter, another one has no value, the period is out of reach, the map has a kink,
        or it has no fixed point

    Examples
    --------
    >>> found = find_bifurcations(Map("w*sigmoid(x) + b", "x"), ["w", "b"])
    >>> [(c.kind, dict(c.expressions)["w"]) for c in found.curves]
    [('fold', 1/(s*(1 - s))), ('flip', 1/(s**2 - s))]
    >>> [(p.kind, dict(p.values)) for p in found.points]
    [('cusp', {'w': 4, 'b': -2})]
    >>> [p.values["r"] for p in find_bifurcations(Map("r*x*(1 - x)", "x"), ["r"], period=2).points]
    [1 - sqrt(6), 1 + sqrt(6)]
    """
    names = _checked(layer, parameters)
    checked_period(period)
    if layer.dimension == 2:
        if period > 1:
            raise InputError(f"cycles of period {period} of two components are out of reach; leave the period at 1")
        return planar_bifurcations(layer, names)
    _refuse_no_fixed_point(layer)
    quadratic = quadratic_form(layer.expr, layer.state[0])
    if period > 1 and quadratic is None:
        remark = f"cycles of period {period} have exact equations for quadratic maps only; this map is none"
        return Bifurcations(layer, names, period, curves=_basin_line(layer, names, start), remarks=(remark,))
    if period > 1 and quadratic is not None:
        found = of_quadratic_cycles(layer, names, period, quadratic)
        return _with_curves(found, _basin_line(layer, names, start))
    refuse_kinks(layer)
    found = of_fixed_points(layer, names)
    if quadratic is not None and len(names) == 1:
        found = Bifurcations(**{**vars(found), "superstable": superstable_points(layer, names, 1, quadratic)})
    return _with_curves(found, _basin_line(layer, names, start))


def _with_curves(found: Bifurcations, curves: tuple[Curve, ...]) -> Bifurcations:
    return Bifurcations(**{**vars(found), "curves": (*found.curves, *curves)})


def _checked(layer: Map, parameters: Sequence[str]) -> Names:
    if layer.dimension > 2:
        raise InputError(f"bifurcations need a map of one or two components, got {layer.dimension}")
    known = {p.name for p in layer.parameters}
    listed = ", ".join(sorted(known)) or "none"
    if layer.layered:
        raise InputError(f"{layer.layered[0]} has a value per layer; bifurcations are those of one repeated map")
    if not 1 <= len(parameters) <= 2:
        raise InputError(f"one or two parameters are needed, got {len(parameters)}; give e.g. w,b")
    for name in parameters:
        if name not in known:
            raise InputError(f"the parameter {name} does not enter the map; its parameters are {listed}")
    if others := sorted(known - set(parameters)):
        raise InputError(f"{', '.join(others)} has no value; name it with --parameters or give it a number with --set")
    return tuple(parameters)


def _refuse_no_fixed_point(layer: Map) -> None:
    step = sympy.expand(layer.expr - layer.state[0])
    for turn, word in ((1, ">"), (-1, "<")):
        if _is_positive(turn * step, layer.state[0]):
            raise InputError(
                f"the map has no fixed point: {to_text(layer.expr)} {word} {layer.state[0]} for every value; "
                "nothing can bifurcate"
            )


def _is_positive(expr: Expr, state: Symbol) -> bool:
    """Say whether an expression is proved to be positive, a quadratic through its discriminant."""
    if sign_proof(expr, strict=True):
        return True
    if not expr.is_polynomial(state) or Poly(expr, state).degree() != 2:
        return False
    a, b, c = Poly(expr, state).all_coeffs()
    return bool(sign_proof(a, strict=True) and sign_proof(4 * a * c - b**2, strict=True))


def _basin_line(layer: Map, names: Names, start: Expr | None) -> tuple[Curve, ...]:
    """Return the curve on which the start value is a repelling fixed point of positive multiplier."""
    fixed = None if start is None else fixed_start(layer, start)
    if fixed is None or len(fixed.solved) != 1 or len(names) != 2:
        return ()
    ((solved, value),) = fixed.solved.items()
    (free,) = [name for name in names if name != solved]
    symbol = real(free)
    low, high, condition = _repelling(fixed.multiplier, symbol)
    conditions = (*condition, *(f"{to_text(e)} != 0" for e in fixed.nonzero))
    expressions = {name: value if name == solved else symbol for name in names} | {layer.state[0].name: fixed.start}
    proof = f"the start is fixed: {fixed.proof}"
    return (Curve("basin line", 1, symbol, low, high, conditions, expressions, Verdict.PROVED, proof),)


def _repelling(multiplier: Expr, symbol: Symbol) -> tuple[Expr, Expr, tuple[str, ...]]:
    """Return where a multiplier is above 1, solved where it is proportional to the symbol."""
    slope = sympy.diff(multiplier, symbol)
    if symbol not in slope.free_symbols and symbol not in (multiplier - slope * symbol).expand().free_symbols:
        level = (1 - (multiplier - slope * symbol).expand()) / slope
        if sign_proof(slope, strict=True):
            return level, sympy.oo, ()
        if sign_proof(-slope, strict=True):
            return -sympy.oo, level, ()
    return -sympy.oo, sympy.oo, (f"{to_text(multiplier)} > 1",)
