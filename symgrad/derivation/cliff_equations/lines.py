"""Basin lines: the start lies on a repelling fixed point or 2-cycle, or reaches a repelling fixed point exactly."""

from collections.abc import Iterator

import sympy
from sympy import Expr, Symbol

from symgrad.derivation.bifurcations.inversion import compare
from symgrad.derivation.cliff_equations.curves import CliffCurve
from symgrad.derivation.cliff_equations.linear_forms import LinearForm, differs_from_zero, settled
from symgrad.derivation.cliff_equations.shapes import ONE, ZERO, ChainShape
from symgrad.derivation.cliff_equations.sides import UNKNOWN, Sides, beside_flip, beside_repeller, lift_of
from symgrad.derivation.identities.proofs import is_zero, zero_proof
from symgrad.evidence import Verdict
from symgrad.maps import differentiate, to_text
from symgrad.symbols import real

Interval = tuple[Expr, Expr]


def basin_lines(form: LinearForm, shape: ChainShape | None, start: Expr) -> Iterator[CliffCurve]:
    """Yield the lines on which the start is a repelling fixed point, of multiplier above 1 and below −1."""
    yield from _lines_through(form, shape, start, (start,))


def preimage_lines(form: LinearForm, start: Expr) -> Iterator[CliffCurve]:
    """Yield the lines on which the start reaches a repelling fixed point after one step, for maps that fold the line.

    f(x₀) = f(p) = p with p other than x₀; monotone maps have no such p. The other states of equal value are known for
    the sine and for even functions.
    """
    if form.inverted:
        return
    for twin in _twins(form, start):
        yield from _lines_through(form, None, start, (start, twin))


def _twins(form: LinearForm, start: Expr) -> Iterator[Expr]:
    """Yield other states at which every coefficient of the form has the value it has at the start."""
    x = form.state
    turn = sympy.pi
    for twin in (-start, turn - start, -turn - start, start + 2 * turn, start - 2 * turn):
        parts = (*form.coefficients, form.rest)
        if compare(twin, start) in (1, -1) and all(
            is_zero(e.xreplace({x: twin}) - e.xreplace({x: start})) for e in parts
        ):
            yield twin


def _lines_through(
    form: LinearForm, shape: ChainShape | None, start: Expr, lands: tuple[Expr, ...]
) -> Iterator[CliffCurve]:
    point = lands[-1]
    row = form.line(point, point)
    solution = None if row is None else _solved(form, row)
    if solution is None:
        return
    solved, along, value = solution
    at = {real(solved): value}
    proofs = []
    for here, there in zip(lands, (*lands[1:], point), strict=True):
        image = _at_state(form, form.layer.expr, here, at)
        proofs.append(zero_proof(image - there))
    multiplier = _multiplier(form, point, at)
    if None in proofs or multiplier is None:
        return
    symbol = real(along)
    lift = lift_of(_at_state(form, form.layer.derivative(solved)[0], point, at))
    for turn in (1, -1):
        sides: Sides = beside_repeller(shape, lift) if turn == 1 else beside_flip(shape)
        interval, conditions = repelling(multiplier, symbol, turn)
        if interval is None:
            continue
        yield CliffCurve(
            "basin line",
            form.layer,
            start,
            symbol,
            *interval,
            conditions,
            {along: symbol, solved: value, form.state.name: point},
            solved,
            along,
            interval,
            multiplier,
            1,
            len(lands) - 1,
            lands,
            *sides,
            Verdict.PROVED,
            _sentence(form, lands, multiplier, turn, [p for p in proofs if p]),
        )


def _sentence(form: LinearForm, lands: tuple[Expr, ...], multiplier: Expr, turn: int, proofs: list[str]) -> str:
    reached = "" if len(lands) == 1 else f" reached in {len(lands) - 1} step from x0 = {to_text(lands[0])}"
    bound = "> 1" if turn == 1 else "< -1"
    return (
        f"{to_text(lands[-1])} is a fixed point{reached} ({', '.join(dict.fromkeys(proofs))}) with multiplier "
        f"{to_text(multiplier)} {bound}, so it repels"
    )


def _solved(form: LinearForm, row: tuple[Expr, Expr, Expr]) -> tuple[str, str, Expr] | None:
    """Solve a·p + c·q = g for the parameter of the simplest nonzero coefficient, the second on a tie."""
    ranked = []
    for place, coefficient in enumerate(row[:2]):
        if compare(coefficient, ZERO) in (1, -1):
            simple = (coefficient**2 != 1, not coefficient.is_Rational, sympy.count_ops(coefficient), -place)
            ranked.append((simple, place))
    if not ranked:
        return None
    place = min(ranked)[1]
    own, other = row[place], row[1 - place]
    value = sympy.expand(row[2] / own) - sympy.expand(other / own) * real(form.names[1 - place])
    return form.names[place], form.names[1 - place], value


def _at_state(form: LinearForm, expr: Expr, state: Expr, at: dict[Symbol, Expr]) -> Expr:
    """Put a state and the solved parameter into an expression, and evaluate what then is a number."""
    result = expr.xreplace({form.state: state}).xreplace(at)
    inner = {}
    for call in result.atoms(sympy.Function):
        argument = sympy.expand(call.args[0])
        if argument.is_number and argument != call.args[0]:
            inner[call] = call.func(argument)
    return settled(result.xreplace(inner) if inner else result)


def _multiplier(form: LinearForm, point: Expr, at: dict[Symbol, Expr]) -> Expr | None:
    """Return f' at a fixed point, through ℓ_x = G_y·f' + G_x where that is shorter and proved to be the same."""
    direct = _at_state(form, form.layer.jacobian[0][0], point, at)
    if not form.inverted:
        return direct
    try:
        image = form.image
    except KeyError:
        return direct
    x, y = form.state, next(iter(form.image.free_symbols - form.layer.expr.free_symbols))
    here = {x: point, y: point}
    p, q = map(real, form.names)
    line = form.coefficients[0] * p + form.coefficients[1] * q + form.rest
    slope = (differentiate(line, x) - differentiate(image, x)).xreplace(here).xreplace(at)
    short = sympy.expand(slope / differentiate(image, y).xreplace(here))
    return short if zero_proof(short - direct) else direct


def repelling(multiplier: Expr, symbol: Symbol, turn: int) -> tuple[Interval | None, tuple[Expr, ...]]:
    """Return where turn·multiplier > 1: an interval where it is affine in the symbol, else the condition.

    Examples
    --------
    >>> from symgrad.symbols import w
    >>> repelling(w / 4, w, 1), repelling(w / 4, w, -1)
    (((4, oo), ()), ((-oo, -4), ()))
    """
    whole = (-sympy.oo, sympy.oo)
    signed = turn * multiplier
    slope = differentiate(signed, symbol)
    if symbol in slope.free_symbols:
        return whole, (signed - 1,)
    if (signed.free_symbols | slope.free_symbols) - {symbol}:
        return whole, (signed - 1,)
    level = (ONE - signed.xreplace({symbol: ZERO})) / slope if slope != 0 else None
    sign = compare(slope, ZERO)
    if level is None or sign == 0:
        return (whole if compare(signed, ONE) == 1 else None), ()
    return ((level, sympy.oo) if sign == 1 else (-sympy.oo, level)), ()


def cycle_curves(form: LinearForm, start: Expr) -> Iterator[CliffCurve]:
    """Yield the curve on which the start lies on a repelling 2-cycle x₀ → y → x₀, parametrised by y."""
    if form.inverted:
        return
    y = real(next(name for name in "yztq" if name not in {s.name for s in form.layer.expr.free_symbols}))
    there, back = form.line(start, y), form.line(y, start)
    if there is None or back is None:
        return
    (a, c, g), (d, e, h) = there, back
    below = a * e - c * d
    if not differs_from_zero(below):
        return
    values = {form.names[0]: (g * e - c * h) / below, form.names[1]: (a * h - g * d) / below}
    at = {real(name): value for name, value in values.items()}
    x, f = form.state, form.layer.expr
    proofs = [zero_proof(f.xreplace({x: u}).xreplace(at) - v) for u, v in ((start, y), (y, start))]
    if None in proofs:
        return
    slope = form.layer.jacobian[0][0]
    multiplier = slope.xreplace({x: start}).xreplace(at) * slope.xreplace({x: y}).xreplace(at)
    yield CliffCurve(
        "basin line",
        form.layer,
        start,
        y,
        -sympy.oo,
        sympy.oo,
        (multiplier**2 - 1,),
        {**values, x.name: start},
        form.names[1],
        form.names[0],
        None,
        multiplier,
        2,
        0,
        (start, y),
        *UNKNOWN,
        Verdict.PROVED,
        f"{to_text(start)} and {y} are a 2-cycle ({', '.join(p for p in proofs if p)}); it repels where the square "
        "of its multiplier is above 1",
    )
