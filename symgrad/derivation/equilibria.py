"""Exact statements about regimes by algebra alone: constant factors, bounds, and starts that are fixed points.

Where every factor is the same number a, the product is aⁿ. A tied chain gives the same factor at every layer in two
ways: its derivative depends on neither state nor layer, or the orbit starts on a fixed point, f(x₀) = x₀, and stays
there: dx_n/dx₀ = f'(x₀)ⁿ at every depth. Every solution is checked by ``is_zero`` before it is stated.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Eq, Expr, Indexed, Integer, Symbol

from symgrad.derivation.identities.proofs import is_zero, sign_proof, zero_proof
from symgrad.derivation.vocabulary import Regime
from symgrad.errors import InputError
from symgrad.maps import ACTIVATIONS, Composition, Map, as_composition, differentiate, expand_activations, to_text
from symgrad.symbols import n

LONGEST_BODY = 4
LARGEST_BODY = 600
DIGITS = 40
LEVELS: Mapping[Regime, int] = {Regime.CONSTANT: 1, Regime.ALTERNATING: -1, Regime.ZERO: 0}

INVERSES: Mapping[str, tuple[Callable[[Expr], Expr], Expr, Expr]] = {
    "tanh": (sympy.atanh, Integer(-1), Integer(1)),
    "sigmoid": (lambda y: sympy.log(y / (1 - y)), Integer(0), Integer(1)),
    "softplus": (lambda y: sympy.log(sympy.exp(y) - 1), Integer(0), sympy.oo),
    "atan": (sympy.tan, -sympy.pi / 2, sympy.pi / 2),
    "exp": (sympy.log, Integer(0), sympy.oo),
    "softsign": (lambda y: y / (1 - sympy.Abs(y)), Integer(-1), Integer(1)),
    "relu": (lambda y: y, Integer(0), sympy.oo),
}


@dataclass(frozen=True)
class FixedStart:
    """The parameters for which the start is a fixed point, f(x₀) = x₀.

    Parameters
    ----------
    start : x₀
    solved : the parameter the equation is solved for → its value; empty where every parameter keeps x₀ fixed
    multiplier : f'(x₀) there, so that dx_n/dx₀ = multiplier**n
    nonzero : expressions that must not be 0
    proof : the method by which f(x₀) - x₀ was found to vanish

    Examples
    --------
    >>> from symgrad.symbols import n
    >>> fixed = fixed_start(Map("w*sigmoid(x) + b", "x") ** n, Integer(0))
    >>> fixed.condition, fixed.product, fixed.family(Symbol("c", real=True))
    ('b = -w/2', (w/4)**n, {'w': 4*c, 'b': -2*c})
    """

    start: Expr
    solved: Mapping[str, Expr]
    multiplier: Expr
    nonzero: tuple[Expr, ...]
    proof: str

    @property
    def condition(self) -> str:
        """The equation as text, empty where every parameter keeps the start fixed."""
        texts = [f"{name} = {to_text(value)}" for name, value in self.solved.items()]
        return " and ".join([*texts, *(f"{to_text(e)} != 0" for e in self.nonzero)])

    @property
    def product(self) -> Expr:
        """The chain product at depth n."""
        return sympy.Pow(self.multiplier, n, evaluate=self.multiplier.is_Number)

    def family(self, c: Expr) -> dict[str, Expr] | None:
        """Return parameters for which the multiplier is exactly ``c``, or None where no linear solution is found."""
        found = _solve_linearly(self.multiplier - c, _symbols(self.multiplier))
        if found is None:
            return None
        name, value, _ = found
        at = {Symbol(name, real=True): value}
        return {name: value} | {other: sympy.expand(e.xreplace(at)) for other, e in self.solved.items()}


@dataclass(frozen=True)
class ExactStatement:
    """A regime, and the exact condition on the parameters under which it holds.

    Parameters
    ----------
    regime : what becomes of the product
    condition : the condition as text, "always" where there is none
    solved : name → value of each equation among the conditions, empty for an open region
    multiplier : the factor every layer has under the condition
    proof : the method of the proof
    """

    regime: Regime
    condition: str
    solved: Mapping[str, Expr]
    multiplier: Expr
    proof: str

    @property
    def equation(self) -> Any:
        """The equations as one SymPy relation, or None for an open region."""
        equations = [Eq(Symbol(name, real=True), value, evaluate=False) for name, value in self.solved.items()]
        if self.regime in LEVELS and self.multiplier.free_symbols:
            equations.append(Eq(self.multiplier, LEVELS[self.regime], evaluate=False))
        return sympy.And(*equations, evaluate=False) if len(equations) > 1 else next(iter(equations), None)


def _symbols(expr: Expr) -> list[Symbol]:
    return sorted((s for s in expr.free_symbols if isinstance(s, Symbol)), key=lambda s: s.name)


def one_block(chain: Map | Composition) -> Composition | None:
    """Return a scalar real chain of one repeated block, or None for any other."""
    composition = as_composition(chain)
    fits = composition.dimension == 1 and composition.domain == "real" and len(composition.blocks) == 1
    return composition if fits else None


def constant_factor(chain: Map | Composition) -> Expr | None:
    """Return the factor of one application where it depends on neither state nor layer, else None.

    >>> constant_factor(Map("v*x + c", "x") @ Map("w*x + b", "x"))
    v*w
    """
    composition = one_block(chain)
    if composition is None:
        return None
    product: Expr = Integer(1)
    for layer in composition.blocks[0].body:
        factor = _free_of_state(layer.jacobian[0][0], layer.state[0])
        if factor is None:
            return None
        product *= factor
    return product


def _free_of_state(slope: Expr, state: Symbol) -> Expr | None:
    """Return a slope without its state where it does not depend on it (nor on a value per layer)."""
    if slope.has(Indexed):
        return None
    if state not in slope.free_symbols:
        return slope
    at_zero = slope.xreplace({state: Integer(0)})
    return at_zero if at_zero.is_finite is not False and is_zero(slope - at_zero) else None


def body_map(chain: Map | Composition) -> Map | None:
    """Return one application of a scalar chain as a single map, None where it is long or has values per layer."""
    composition = one_block(chain)
    if composition is None or composition.layered or len(composition.blocks[0].body) > LONGEST_BODY:
        return None
    (state,) = composition.state
    expr: Expr = state
    for layer in composition.blocks[0].body:
        expr = layer.expr.xreplace({state: expr})
        if sum(1 for _ in sympy.preorder_traversal(expr)) > LARGEST_BODY:
            return None
    return Map(expr, state)


def uniform_bound(chain: Map | Composition) -> Expr | None:
    """Return q with abs(factor) <= abs(q) at every state, where every layer is A·φ(αx + β) + B with a Lipschitz φ.

    >>> uniform_bound(Map("w*sigmoid(v*x + b) + c", "x"))
    v*w/4
    """
    composition = one_block(chain)
    if composition is None:
        return None
    bound: Expr = Integer(1)
    for layer in composition.blocks[0].body:
        factor = _bound_of_layer(layer.expr, layer.state[0])
        if factor is None:
            return None
        bound *= factor
    return bound


def _bound_of_layer(expr: Expr, state: Symbol) -> Expr | None:
    """Return A·α·L for A·φ(αx + β) + B, with abs(φ') <= L from the activation table."""
    slope = differentiate(expr, state)
    if slope.has(Indexed):
        return None
    if state not in slope.free_symbols:
        return slope
    calls = [f for f in expr.atoms(sympy.Function) if state in f.free_symbols]
    row = ACTIVATIONS.get(calls[0].func.__name__) if len(calls) == 1 else None
    if row is None or row.function is not calls[0].func or row.lipschitz.is_finite is not True:
        return None
    output = sympy.Dummy("y", real=True)
    outer = expr.xreplace({calls[0]: output})
    gain, inner = differentiate(outer, output), differentiate(calls[0].args[0], state)
    if {state, output} & (gain.free_symbols | inner.free_symbols) or state in outer.free_symbols:
        return None
    return gain * inner * row.lipschitz


def fixed_start(chain: Map | Composition, start: Expr) -> FixedStart | None:
    """Return where the start of a tied scalar chain is a fixed point, solved for one parameter, or None.

    Parameters
    ----------
    chain : a tied chain of one component
    start : x₀, an exact number or an expression such as the state's own symbol

    Examples
    --------
    >>> fixed_start(Map("w*sigmoid(x) + b", "x"), sympy.Rational(1, 2)).condition
    'b = -w*sigmoid(1/2) + 1/2'
    """
    layer = body_map(chain)
    if layer is None:
        return None
    (state,) = layer.state
    at_start = {state: start}
    slope, residual = layer.jacobian[0][0].xreplace(at_start), layer.expr.xreplace(at_start) - start
    if proof := zero_proof(residual):
        return FixedStart(start, {}, _settled(slope), (), proof)
    unknown = [p for p in layer.parameters if p not in start.free_symbols]
    found = _solve_linearly(residual, unknown) or _solve_inverted(layer.expr.xreplace(at_start), start, unknown)
    if found is None:
        return None
    name, value, nonzero = found
    at = {Symbol(name, real=True): value}
    proof = zero_proof(residual.xreplace(at))
    if proof is None:
        return None
    whole = layer.expr.xreplace(at_start).xreplace(at)
    multiplier = _settled(slope.xreplace(at).xreplace({whole: start} if whole.is_Function else {}))
    return FixedStart(start, {name: value}, multiplier, nonzero, proof)


def _settled(multiplier: Expr) -> Expr:
    """Return a multiplier in its expanded form where that is shorter and proved to be the same."""
    expanded = sympy.expand(multiplier)
    shorter = sympy.count_ops(expanded) < sympy.count_ops(multiplier) and is_zero(expanded - multiplier)
    return expanded if shorter else multiplier


def _solve_linearly(residual: Expr, unknown: Sequence[Symbol]) -> tuple[str, Expr, tuple[Expr, ...]] | None:
    """Solve residual = 0 for the unknown with the simplest coefficient; each solution is checked."""
    solutions = []
    for symbol in unknown:
        slope = differentiate(residual, symbol)
        if symbol in slope.free_symbols or not _differs_from_zero(slope):
            continue
        plain = -residual.xreplace({symbol: Integer(0)}) / slope
        value = min(sympy.expand(plain), plain, key=sympy.count_ops)
        if zero_proof(residual.xreplace({symbol: value})):
            rank = (not slope.is_Rational, slope**2 != 1, len(slope.free_symbols), sympy.count_ops(value), symbol.name)
            divides = bool(sympy.fraction(sympy.together(value))[1].free_symbols)
            nonzero = (slope,) if divides and not sign_proof(slope**2, strict=True) else ()
            solutions.append((rank, (symbol.name, value, nonzero)))
    return min(solutions)[1] if solutions else None


def _differs_from_zero(expr: Expr) -> bool:
    """Say whether an expression is proved to be not identically 0."""
    return is_zero(expr) is False if expr.free_symbols else _compare(expr, Integer(0)) in (1, -1)


def _solve_inverted(image: Expr, start: Expr, unknown: Sequence[Symbol]) -> tuple[str, Expr, tuple[Expr, ...]] | None:
    """Solve φ(u) = start through the inverse of φ, where the start is a number in its range."""
    row = INVERSES.get(image.func.__name__)
    if row is None or not start.is_number or len(image.args) != 1:
        return None
    inverse, low, high = row
    if _compare(start, low) != 1 or _compare(high, start) != 1:
        return None
    return _solve_linearly(image.args[0] - inverse(start), unknown)


def _compare(a: Expr, b: Expr) -> int | None:
    """Return the sign of a - b for constant expressions, None where ``DIGITS`` digits do not tell."""
    if a == sympy.oo or b == -sympy.oo:
        return 1
    difference = expand_activations(a - b)
    if is_zero(difference):
        return 0
    value = difference.evalf(DIGITS)
    if not value.is_Number or value.is_finite is not True or abs(value) < sympy.Float(10) ** (-DIGITS // 2):
        return None
    return 1 if value > 0 else -1


def exact_regimes(chain: Map | Composition, start: Sequence[Expr | None] | None = None) -> tuple[ExactStatement, ...]:
    """Return the regimes that follow from algebra: of a constant factor, a uniform bound below 1, or a fixed start.

    Parameters
    ----------
    chain : a map or composition; only real scalar chains of one repeated block have such statements
    start : the exact start of each component, a number or an expression; None where it is not known

    Examples
    --------
    >>> for statement in exact_regimes(Map("w*x + b", "x")):
    ...     print(statement.regime.word, "where", statement.condition)
    vanishing where 0 < abs(w) < 1
    exploding where abs(w) > 1
    constant where w = 1
    alternating where w = -1
    zero where w = 0
    >>> for statement in exact_regimes(Map("w*sigmoid(x) + b", "x"), [Integer(0)]):
    ...     print(statement.regime.word, "where", statement.condition)
    vanishing where abs(w/4) < 1
    vanishing where b = -w/2 and 0 < abs(w/4) < 1
    exploding where b = -w/2 and abs(w/4) > 1
    constant where w = 4 and b = -2
    alternating where w = -4 and b = 2
    zero where w = 0 and b = 0
    """
    composition = one_block(chain)
    if composition is None:
        return ()
    factor = constant_factor(composition)
    if factor is not None:
        return tuple(_statements(factor, {}, (), "every factor is the same"))
    begin = start[0] if start else None
    if begin is not None and (not isinstance(begin, Expr) or begin.has(sympy.Float)):
        raise InputError(f"an exact start is needed, got {str(begin)[:40]!r}; give e.g. Rational(1, 2)")
    fixed = None if begin is None else fixed_start(composition, begin)
    return (*_contracting(composition), *(() if fixed is None else _on_fixed_start(fixed)))


def _contracting(composition: Composition) -> Iterator[ExactStatement]:
    """Yield the condition under which every factor is below 1 by a margin: abs(product) <= q**n."""
    bound = uniform_bound(composition)
    if bound is None or (not bound.free_symbols and regime_of_number(bound) is not Regime.VANISHING):
        return
    condition = f"abs({to_text(bound)}) < 1" if bound.free_symbols else "always"
    yield ExactStatement(Regime.VANISHING, condition, {}, bound, "a bound of every factor below 1, whatever the start")


def _on_fixed_start(fixed: FixedStart) -> Iterator[ExactStatement]:
    return _statements(fixed.multiplier, fixed.solved, fixed.nonzero, f"the start is a fixed point: {fixed.proof}")


def _statements(
    multiplier: Expr, solved: Mapping[str, Expr], nonzero: tuple[Expr, ...], proof: str
) -> Iterator[ExactStatement]:
    """Yield the regimes of multiplier**n, without those that are proved to be impossible."""
    line = [f"{name} = {to_text(value)}" for name, value in solved.items()]
    also = [f"{to_text(e)} != 0" for e in nonzero]
    if not multiplier.free_symbols:
        regime = regime_of_number(multiplier)
        if regime is not None:
            yield ExactStatement(regime, " and ".join(line + also) or "always", solved, multiplier, proof)
        return
    text = to_text(multiplier)
    vanishes = bool(sign_proof(multiplier**2, strict=True))
    between = f"abs({text}) < 1" if vanishes else f"0 < abs({text}) < 1"
    for regime, condition in ((Regime.VANISHING, between), (Regime.EXPLODING, f"abs({text}) > 1")):
        yield ExactStatement(regime, " and ".join([*line, condition, *also]), solved, multiplier, proof)
    for regime, value in LEVELS.items():
        if sign_proof(multiplier - value, strict=True) or sign_proof(value - multiplier, strict=True):
            continue
        found = _solve_linearly(multiplier - value, _symbols(multiplier))
        if found is None or (value == 0 and differentiate(multiplier, Symbol(found[0], real=True)).free_symbols):
            yield ExactStatement(regime, " and ".join([*line, f"{text} = {value}", *also]), solved, multiplier, proof)
            continue
        name, root, slopes = found
        at = {Symbol(name, real=True): root}
        points = {name: root} | {other: sympy.expand(e.xreplace(at)) for other, e in solved.items()}
        equations = [f"{other} = {to_text(e)}" for other, e in points.items()]
        conditions = [f"{to_text(e)} != 0" for e in dict.fromkeys([e.xreplace(at) for e in nonzero] + list(slopes))]
        yield ExactStatement(regime, " and ".join(equations + conditions), points, Integer(value), proof)


def regime_of_number(multiplier: Expr) -> Regime | None:
    """Return the regime of multiplier**n for a constant expression, None where its comparison with ±1 is open.

    >>> regime_of_number(sympy.Rational(-3, 2)).word
    'exploding'
    """
    at_zero, above, below = (_compare(multiplier, Integer(level)) for level in (0, 1, -1))
    if at_zero is None or above is None or below is None:
        return None
    if at_zero == 0:
        return Regime.ZERO
    if above == 0 or below == 0:
        return Regime.CONSTANT if above == 0 else Regime.ALTERNATING
    return Regime.EXPLODING if above == 1 or below == -1 else Regime.VANISHING
