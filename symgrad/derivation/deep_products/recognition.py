"""Is a chain a product of weights? Its weights with their multiplicities, its constant, and the target of its loss."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Mul, Poly, Pow, Rational, Sum, SympifyError, symbols, sympify
from sympy.polys.polyerrors import BasePolynomialError

from symgrad.derivation.identities.proofs import is_zero
from symgrad.errors import InputError
from symgrad.maps import Composition, Map, entered, layer_value
from symgrad.symbols import k, real

LONGEST_CONSTANT = 2000
MOST_DIFFERENT = 8


@dataclass(frozen=True)
class Weight:
    """Weights of one kind: ``count`` of them, each of which ``multiplicity`` layers share.

    Parameters
    ----------
    symbol : the shared parameter, or ``w[k]`` where every layer has its own
    multiplicity : how often it occurs in the product
    count : 1 for a shared parameter, the number of layers for ``w[k]``
    """

    symbol: Expr
    multiplicity: Expr
    count: Expr

    @property
    def own(self) -> bool:
        """Whether every layer has its own value."""
        return not self.symbol.is_Symbol


@dataclass(frozen=True)
class ProductChain:
    """A chain whose last state is ``constant`` times a product of weights, with the loss s (p - y)².

    Parameters
    ----------
    weights : the weights that are free
    constant : the start times all frozen weights
    target : y, positive or a negative number
    scale : s, positive
    """

    weights: tuple[Weight, ...]
    constant: Expr
    target: Expr
    scale: Expr

    @property
    def size(self) -> Expr:
        """n, the number of factors of the product that are free."""
        return sum((w.multiplicity * w.count for w in self.weights), Integer(0))

    @property
    def weight_count(self) -> Expr:
        """The number of different weights."""
        return sum((w.count for w in self.weights), Integer(0))


def recognise_product(
    chain: Composition, loss: Expr, *, start: Any = None, frozen: Mapping[str, Any]
) -> ProductChain | None:
    """Return the parts of L = s (p - y)², or None where the chain is no product of weights or the loss no such square.

    Parameters
    ----------
    chain : layers x → (monomial in parameters)·x
    loss : of the last state
    start : the first state, a number or an expression; the symbol of the state if None
    frozen : name → number for the parameters that do not move (a sequence for one with a value per layer)
    """
    if chain.dimension != 1 or chain.domain != "real":
        return None
    values = {name: _exact(value) for name, value in frozen.items()}
    square = _square(loss.xreplace({real(n): v for n, v in values.items() if isinstance(v, Expr)}), chain)
    if square is None:
        return None
    exponents: dict[Expr, list[Expr]] = {}
    constant = _exact(chain.state[0] if start is None else start)
    for block in chain.blocks:
        for layer in block.body:
            powers = _monomial(layer)
            if powers is None:
                return None
            for base, exponent in powers.items():
                found = _frozen_factor(base, exponent, block.depth, values)
                if found is None:
                    exponents.setdefault(base, []).append(
                        exponent if base in _layered(layer) else exponent * block.depth
                    )
                else:
                    constant *= found
    weights = _weights(chain, exponents)
    target, scale = square
    free = {real(str(w.symbol)) for w in weights or ()}
    if not weights or constant.is_zero or free & (target.free_symbols | scale.free_symbols):
        return None
    return ProductChain(weights, constant, target, scale)


def _exact(value: Any) -> Any:
    """Return a number or an expression as SymPy has it exactly; a sequence as a tuple of them."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_exact(part) for part in value)
    if isinstance(value, float):
        return Rational(repr(float(value)))
    try:
        found = sympify(value, strict=True)
    except SympifyError:
        found = None
    if not isinstance(found, Expr):
        raise InputError(f"a number is needed for the start and for frozen weights, got {str(value)[:40]!r}")
    return entered(found)


def _layered(layer: Map) -> set[Expr]:
    return {layer_value(name) for name in layer.layered}


def _square(loss: Expr, chain: Composition) -> tuple[Expr, Expr] | None:
    """Return (y, s) of a loss s (x - y)² with s > 0 and y not 0, or None."""
    (state,) = chain.state
    try:
        poly = Poly(loss, state)
    except BasePolynomialError:
        return None
    if poly.degree() != 2:
        return None
    scale, slope, rest = (poly.coeff_monomial(state**i) for i in (2, 1, 0))
    target = -slope / (2 * scale)
    known = target.is_nonzero if target.is_number else True
    if not (scale.is_positive and known and is_zero(rest - scale * target**2)):
        return None
    return target, scale


def _monomial(layer: Map) -> dict[Expr, Expr] | None:
    """Return base → exponent of the factor of a layer x → (monomial)·x, or None."""
    (state,) = layer.state
    factor = layer.jacobian[0][0]
    if state in factor.free_symbols or is_zero(layer.expr - factor * state) is not True:
        return None
    stand_ins = dict(zip(sorted(_layered(layer), key=str), symbols(f"_w:{len(layer.layered)}", real=True), strict=True))
    plain = factor.xreplace(stand_ins)
    back = {own: value for value, own in stand_ins.items()}
    powers: dict[Expr, Expr] = {}
    for part in Mul.make_args(plain):
        base, exponent = part.as_base_exp()
        if part.is_number:
            powers[part] = Integer(1)
        elif base.is_Symbol and exponent.is_Integer and exponent > 0:
            powers[back.get(base, base)] = exponent
        else:
            return None
    return powers


def _frozen_factor(base: Expr, exponent: Expr, depth: Expr, values: Mapping[str, Any]) -> Expr | None:
    """Return what a frozen weight or a number multiplies the product by over a block, or None for a free weight."""
    if base.is_number:
        return _power(base, exponent * depth)
    value = values.get(base.name if base.is_Symbol else base.base.label.name)
    if value is None:
        return None
    if not isinstance(value, tuple):
        return _power(value, exponent * depth)
    own = value[: int(depth)] if depth.is_Integer else value
    if len(own) <= LONGEST_CONSTANT:
        return Mul(*own) ** exponent
    different = Counter(own)
    if len(different) > MOST_DIFFERENT:
        return real(f"c_{base.base.label.name}")
    return Mul(*(_power(one, exponent * count) for one, count in different.items()), evaluate=False)


def _power(value: Expr, exponent: Expr) -> Expr:
    """Return a power, left as it is where its digits would fill pages."""
    long = value.is_number and exponent.is_Integer and exponent > LONGEST_CONSTANT and value not in (1, -1)
    return Pow(value, exponent, evaluate=not long)


def _weights(chain: Composition, exponents: Mapping[Expr, Sequence[Expr]]) -> tuple[Weight, ...] | None:
    """Return the free weights, or None where one with a value per layer occurs in blocks of several depths."""
    weights = []
    for base, powers in exponents.items():
        count: Expr = Integer(1)
        if not base.is_Symbol:
            homes = [b.depth for b in chain.blocks if any(base in _layered(layer) for layer in b.body)]
            if len(homes) != 1:
                return None
            count = homes[0]
        weights.append(Weight(base, sum(powers, Integer(0)), count))
    return tuple(sorted(weights, key=lambda w: str(w.symbol)))


def inverse_squares(weights: Sequence[Weight], *, tied: bool) -> tuple[Expr, str]:
    """Return Σ m²/w² over the weights (``tied``: they move as one), or Σ m/w² over their layers, with its text.

    >>> inverse_squares([Weight(real("u"), Integer(3), Integer(1))], tied=True)[1]
    '9/u**2'
    """
    total: Expr = Integer(0)
    texts = []
    for w in weights:
        power = w.multiplicity**2 if tied else w.multiplicity
        if not w.own:
            total += power / w.symbol**2
            texts.append(f"{power}/{w.symbol}**2")
        else:
            total += Sum(power / w.symbol**2, (k, 1, w.count))
            texts.append(f"sum({power}/{w.symbol}**2, k, 1, {w.count})")
    return total, " + ".join(texts)
