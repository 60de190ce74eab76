"""Where a driven or untied chain crosses a level, by pulling the level back through the inverses of its layers.

For steps that increase in the state, x_T > c exactly where x_0 > g(θ) = f_1⁻¹∘…∘f_T⁻¹(c). Shooting forward multiplies
every rounding by the repeller's growth; the inverses contract, so that g is stable at any depth and one root of
g(θ) = x_0 is the value of the parameter. A layer A·φ(αx + β) + B is inverted with the table of inverses; outside its
range the level is pulled back to −∞ or +∞, the monotone extension of the inverse to [−∞, ∞].
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from sympy import Dummy, Expr, Indexed, Symbol

from symgrad.derivation.equilibria import INVERSES
from symgrad.derivation.identities.proofs import sign_proof
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.kernels.multiprecision import context, evaluate, to_mpf
from symgrad.maps import Composition, Map, as_composition, differentiate, expand_activations
from symgrad.phenomena.cliffs.refinement import narrowed, refined
from symgrad.symbols import k

SCANNED = 65
GUARD_DIGITS = 10
MOST_DIGITS = 10_000
ULPS = 40

Inverse = Callable[..., float]

# The table's log(exp(y) - 1) is the same function, but exp(y) leaves float64 above y = 709.
STABLE_INVERSES: Mapping[str, Callable[[Expr], Expr]] = {"softplus": lambda y: y + sympy.log(1 - sympy.exp(-y))}


@dataclass(frozen=True)
class PulledBack:
    """The value of a parameter at which x_T crosses a level.

    Parameters
    ----------
    along : the parameter θ
    level : c
    depth : T, how often the chain is applied
    value : θ, the nearest float64 to ``exact``
    low, high : neighbouring values in float64 on whose sides the level pulled back lies on different sides of x_0
    exact : θ as decimal text with the digits asked for (those of float64 otherwise)
    rises : whether x_T passes the level from below as θ grows
    unique : whether x_T is proved to be monotone in θ, so that no other crossing lies between the ends
    verdict : that there is no other crossing in the range: proved, or sampled; the digits rest on the arithmetic used
    statement : what it rests on, in one sentence
    """

    along: str
    level: float
    depth: int
    value: float
    low: float
    high: float
    exact: str
    rises: bool
    unique: bool
    verdict: Verdict
    statement: str

    @property
    def width(self) -> float:
        """The distance between the two sides."""
        return self.high - self.low


@dataclass(frozen=True)
class _Inverted:
    """A layer A·φ(αx + β) + B solved for x at the value y; ``between`` bounds (y − B)/A, None for no bounds."""

    layer: Map
    names: tuple[str, ...]
    image: Symbol
    value: Expr
    inverse: Expr
    low: Expr
    high: Expr
    gain: Expr
    slope: Expr


def pull_back(
    chain: Map | Composition,
    level: Any,
    start: Any,
    along: str,
    low: float,
    high: float,
    parameters: Mapping[Any, Any],
    depth: int | None = None,
    *,
    digits: int | None = None,
) -> PulledBack | None:
    """Return where x_T crosses a level as one parameter varies, None where it stays on one side at both ends.

    Parameters
    ----------
    chain : a chain of one component whose layers increase in the state, tied, driven or untied
    level : c
    start : x_0
    along : the parameter θ, one that all layers share
    low, high : its range
    parameters : name → number of the others; one value per layer for u[k]
    depth : T, how often the chain is applied, where that is a symbol
    digits : decimal digits of the answer; float64 without them

    Raises
    ------
    InputError : values per layer of the wrong number, a layer without a known inverse or not increasing in the state,
        several crossings where x_T is not proved to be monotone

    Examples
    --------
    >>> found = pull_back(Map("w*sigmoid(x) + b", "x"), 0, 0.5, "b", -6, -1, {"w": 5.0}, 300)
    >>> round(found.value, 14), found.unique
    (-2.61229665600927, True)
    """
    whole = _at_depth(chain, depth)
    given = _gathered(whole, level, start, along, low, high, parameters, digits)
    inverted = {layer: _inverted(layer) for layer in whole.maps}
    rising = _increasing(whole, inverted, given, along, low, high)
    direction, reason = _monotone(whole, given, along, low, high)
    schedule = [inverted[layer] for layer, _ in whole.schedule()]
    rows = _rows(whole, inverted, given, along)
    gap = _float_gap(schedule, rows, float(level), float(start), along)
    bracket = _bracket(gap, float(low), float(high), direction is not None, along)
    if bracket is None:
        return None
    a, b = narrowed(gap, *bracket)
    exact = "" if digits is None else _exact_root(schedule, rows, level, start, along, (a, b), digits)
    unique = direction is not None
    precision = "float64" if digits is None else f"{digits} digits"
    only = f"one crossing, because {reason}" if unique else f"the only crossing seen in {SCANNED} samples; {reason}"
    statement = f"{len(schedule)} layers pulled back in {precision}, each increasing in the state ({rising}); {only}"
    value = float(exact) if exact else a + (b - a) / 2
    verdict = Verdict.PROVED if unique else Verdict.SAMPLED
    times = depth if depth is not None else int(sum(int(block.depth) for block in whole.blocks))
    text = exact or repr(value)
    return PulledBack(along, float(level), times, value, a, b, text, gap(b) > 0, unique, verdict, statement)


def _at_depth(chain: Map | Composition, depth: int | None) -> Composition:
    """Return the chain with a number for its depth."""
    whole = as_composition(chain)
    if whole.dimension != 1 or whole.domain != "real":
        raise InputError(f"a level is pulled back through a real chain of one component, got {whole.dimension}")
    if depth is not None and not whole.depth_symbols and whole.depth != depth and whole.depth == 1:
        return whole**depth
    return whole.at_depth(depth)


def _number(name: str, value: Any) -> Any:
    """Return a finite number, exact ones as they are."""
    try:
        finite = not isinstance(value, bool) and math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        finite = False
    if not finite or np.ndim(value):
        raise InputError(f"{name} must be one finite number, got {str(value)[:60]!r}; give e.g. 0.5")
    return value if isinstance(value, int | Fraction | Expr) else float(value)


def _gathered(
    chain: Composition,
    level: Any,
    start: Any,
    along: str,
    low: float,
    high: float,
    parameters: Mapping[Any, Any],
    digits: int | None,
) -> dict[str, Any]:
    """Return name → number, or a list of one per application for names with a value per layer."""
    given = {str(name): value for name, value in parameters.items()}
    shared = {p.name for p in chain.parameters}
    if along not in shared:
        listing = ", ".join(sorted(shared)) or "none"
        raise InputError(f"{along!r} is no parameter that all layers share; those are {listing}")
    if along in given:
        raise InputError(f"{along!r} varies along the line and has a value as well; leave it out of the values")
    needed = (shared | set(chain.layered)) - {along}
    if unknown := sorted(set(given) - needed):
        raise InputError(
            f"{unknown[0]!r} is not a parameter here; the others are {', '.join(sorted(needed)) or 'none'}"
        )
    if missing := sorted(needed - set(given)):
        raise InputError(f"parameter {missing[0]!r} has no value; give one, e.g. {{'{missing[0]}': 0.5}}")
    for name, value in (("the level", level), ("the start", start), ("low", low), ("high", high)):
        _number(name, value)
    if not float(low) < float(high):
        raise InputError(f"the range of {along} must increase, got {low} to {high}; give e.g. -6 and -1")
    if digits is not None and (
        isinstance(digits, bool) or not isinstance(digits, int) or not 1 <= digits <= MOST_DIGITS
    ):
        raise InputError(f"digits must be a whole number from 1 to {MOST_DIGITS}, got {digits!r}; give e.g. 60")
    values: dict[str, Any] = {name: _number(f"parameter {name!r}", given[name]) for name in needed & shared}
    for name in chain.layered:
        values[name] = _per_layer(chain, name, given[name])
    return values


def _per_layer(chain: Composition, name: str, value: Any) -> list[Any]:
    """Return the values a name has layer by layer, refusing a wrong number of them."""
    layers = max(int(b.depth) for b in chain.blocks if any(name in m.layered for m in b.body))
    found = "a single value" if np.ndim(value) == 0 else f"{len(value)} values"
    if np.ndim(value) != 1 or len(value) != layers:
        raise InputError(f"{name!r} needs one value per layer, {layers} in all, got {found}; give a list")
    return [_number(f"each value of {name!r}", v) for v in value]


def _inverted(layer: Map) -> _Inverted:
    """Solve a layer A·φ(αx + β) + B for its state."""
    (x,) = layer.state
    y = Dummy("y", real=True)
    names = tuple(sorted({p.name for p in layer.parameters} | set(layer.layered)))
    plain = {layer.symbol(name): Symbol(name, real=True) for name in names}
    expr = layer.expr.xreplace(plain)
    calls = [f for f in expr.atoms(sympy.Function) if x in f.free_symbols]
    if not calls:
        slope = differentiate(expr, x)
        if x in slope.free_symbols:
            raise _no_inverse(layer)
        offset = expr.xreplace({x: sympy.Integer(0)})
        return _Inverted(layer, names, y, y, (y - offset) / slope, -sympy.oo, sympy.oo, sympy.Integer(1), slope)
    name, output = calls[0].func.__name__, Dummy("v", real=True)
    outer = expr.xreplace({calls[0]: output})
    row = INVERSES.get(name)
    inner = calls[0].args[0]
    gain, slope = differentiate(outer, output), differentiate(inner, x)
    mixed = {x, output} & (gain.free_symbols | slope.free_symbols) or x in outer.free_symbols
    if len(calls) > 1 or row is None or mixed:
        raise _no_inverse(layer)
    inverse, low, high = row
    inverse = STABLE_INVERSES.get(name, inverse)
    argument = inverse(output) - inner.xreplace({x: sympy.Integer(0)})
    value = (y - outer.xreplace({output: sympy.Integer(0)})) / gain
    return _Inverted(layer, names, output, value.xreplace({y: output}), argument / slope, low, high, gain, slope)


def _no_inverse(layer: Map) -> InputError:
    known = ", ".join(INVERSES)
    return InputError(
        f"{str(layer.expr)[:60]} has no inverse in the table; give layers A*phi(a*x + c) + B with phi one of {known}"
    )


def _signs(values: Mapping[str, Any], along: str, low: float, high: float) -> dict[Symbol, Expr]:
    """Return name → a symbol of the sign all its values have, from the numbers and the range given."""
    known: dict[Symbol, Expr] = {}
    for name, value in {**values, along: [low, high]}.items():
        numbers = value if isinstance(value, list) else [value]
        if all(v > 0 for v in numbers):
            sign = {"positive": True}
        elif all(v < 0 for v in numbers):
            sign = {"negative": True}
        else:
            sign = {"real": True}
        known[Symbol(name, real=True)] = Dummy(name, **sign)
    return known


def _plain(expr: Expr) -> Expr:
    """Write name[k] as the symbol of that name."""
    return expr.xreplace({i: Symbol(i.base.label.name, real=True) for i in expr.atoms(Indexed) if i.indices == (k,)})


def _increasing(
    chain: Composition,
    inverted: Mapping[Map, _Inverted],
    values: Mapping[str, Any],
    along: str,
    low: float,
    high: float,
) -> str:
    """Return the argument by which every layer increases in its state, refusing a chain where there is none."""
    known = _signs(values, along, low, high)
    for layer in chain.maps:
        one = inverted[layer]
        if sign_proof((one.gain * one.slope).xreplace(known), strict=True) is None:
            raise InputError(
                f"{str(layer.expr)[:60]} must increase with {chain.state[0]} at all values given, which is not proved; "
                f"give values with {_plain(one.gain * one.slope)} > 0"
            )
    return "the signs of the weights and the table of inverses"


def _monotone(
    chain: Composition, values: Mapping[str, Any], along: str, low: float, high: float
) -> tuple[int | None, str]:
    """Return the sign of dx_T/dθ and the argument, None where the layers' derivatives have no common sign."""
    known = _signs(values, along, low, high)
    turns = set()
    for layer in chain.maps:
        if along not in {p.name for p in layer.parameters}:
            continue
        slope = expand_activations(_plain(layer.derivative(along)[0])).xreplace(known)
        turns.add(1 if sign_proof(slope) else -1 if sign_proof(-slope) else 0)
    if len(turns) != 1 or 0 in turns:
        return None, f"df/d{along} is not proved to keep its sign"
    (turn,) = turns
    relation = ">=" if turn > 0 else "<="
    return turn, f"df/dx >= 0 and df/d{along} {relation} 0 in every layer"


def _rows(
    chain: Composition, inverted: Mapping[Map, _Inverted], values: Mapping[str, Any], along: str
) -> list[tuple[Any, ...]]:
    """Return the arguments of every layer in order of application, None where the parameter varies."""
    rows = []
    for layer, application in chain.schedule():
        names = inverted[layer].names
        rows.append(
            tuple(
                None if n == along else values[n][application - 1] if n in layer.layered else values[n] for n in names
            )
        )
    return rows


def _float_gap(
    schedule: Sequence[_Inverted], rows: Sequence[tuple[Any, ...]], level: float, start: float, along: str
) -> Callable[[float], float]:
    """Return θ ↦ x_0 - g(θ) in float64; its sign is that of x_T - c."""
    compiled: dict[int, tuple[Inverse, Inverse, float, float]] = {}
    for one in schedule:
        if id(one) not in compiled:
            symbols = [one.image, *(Symbol(n, real=True) for n in one.names)]
            functions = [sympy.lambdify(symbols, e, modules="math", cse=True) for e in (one.value, one.inverse)]
            compiled[id(one)] = (functions[0], functions[1], float(one.low), float(one.high))
    steps = []
    for one, row in zip(reversed(schedule), reversed(rows), strict=True):
        numbers = [0.0 if v is None else float(v) for v in row]
        steps.append((*compiled[id(one)], numbers, one.names.index(along) if along in one.names else None))

    def gap(theta: float) -> float:
        y = level
        for value, inverse, low, high, numbers, place in steps:
            if place is not None:
                numbers[place] = theta
            v = value(y, *numbers)
            if not low < v < high:
                return math.inf if v <= low else -math.inf
            try:
                y = inverse(v, *numbers)
            except (ValueError, OverflowError, ZeroDivisionError):
                return math.inf if v - low < high - v else -math.inf
        return start - y

    return gap


def _bracket(
    gap: Callable[[float], float], low: float, high: float, monotone: bool, along: str
) -> tuple[float, float] | None:
    """Return an interval at whose ends the gap has different signs, None where no sample shows one."""
    ends = [low, high] if monotone else np.linspace(low, high, SCANNED).tolist()
    signs = [gap(t) > 0 for t in ends]
    changes = [i for i in range(len(ends) - 1) if signs[i] != signs[i + 1]]
    if len(changes) > 1:
        where = ", ".join(f"{ends[i]:.6g}" for i in changes[:4])
        raise InputError(
            f"x_T crosses the level {len(changes)} times or more, near {along} = {where}; narrow the range"
        )
    return (ends[changes[0]], ends[changes[0] + 1]) if changes else None


def _exact_root(
    schedule: Sequence[_Inverted],
    rows: Sequence[tuple[Any, ...]],
    level: Any,
    start: Any,
    along: str,
    bracket: tuple[float, float],
    digits: int,
) -> str:
    """Return the root of the gap in that many digits, from the float bracket."""
    ctx = context(int((digits + GUARD_DIGITS) * math.log2(10)) + 20)
    first, target = to_mpf(start, ctx), to_mpf(level, ctx)
    numbers = [[None if v is None else to_mpf(v, ctx) for v in row] for row in rows]
    bounds = {one.layer: (to_mpf(one.low, ctx), to_mpf(one.high, ctx)) for one in schedule}

    def gap(theta: Any) -> Any:
        y = target
        for one, row in zip(reversed(schedule), reversed(numbers), strict=True):
            known = {Symbol(n, real=True): theta if v is None else v for n, v in zip(one.names, row, strict=True)}
            v = evaluate(one.value, known | {one.image: y}, ctx)
            low, high = bounds[one.layer]
            if not low < v < high:
                return ctx.inf if v <= low else -ctx.inf
            y = evaluate(one.inverse, known | {one.image: v}, ctx)
        return first - y

    return refined(gap, bracket, digits, ctx)
