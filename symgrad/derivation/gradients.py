"""Parameter sensitivities of a composition, first and second order, as recurrences and as the written-out sum.

With s_a = ∂x/∂a the sensitivities travel with the state (Williams & Zipser 1989, real-time recurrent learning):

    s_a'  = f_x s_a + f_a
    s_ab' = f_x s_ab + f_xx s_a s_b + f_xa s_b + f_xb s_a + f_ab

Folded over the layers they need one step only, at any depth; nothing is nested.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from sympy import Expr, IndexedBase, Integer, Mul, Sum, Symbol

from symgrad.derivation.chain import BlockFactors, Factor, block_factors, chain_product, counters, state_at
from symgrad.derivation.notation import joined_latex, to_latex
from symgrad.errors import InputError
from symgrad.maps import Composition, Map, as_composition, differentiate, entered, to_text
from symgrad.symbols import k, real


@dataclass(frozen=True)
class Recurrence:
    """One sensitivity recurrence of one layer: ``left`` at step k equals ``right`` in terms of step k-1."""

    left: Expr
    right: Expr

    def __str__(self) -> str:
        return f"{to_text(self.left)} = {to_text(self.right)}"


@dataclass(frozen=True)
class Gradient:
    """The gradient of a loss of the last state, or of the last state itself, in the parameters ``wrt``.

    Parameters
    ----------
    composition : the chain of layers
    loss : a function of the state after the last layer and of parameters; None for the last state itself
    wrt : the names of the parameters (a name with a value per layer has one derivative for each layer)
    second_order : whether second derivatives travel with the first

    Examples
    --------
    >>> from symgrad.symbols import n
    >>> g = gradient(Map("w*x + b", "x") ** n, wrt=("b",))
    >>> g.written_out("b")
    Sum(Product(w, (k, t + 1, n)), (t, 1, n))
    >>> print(g.recurrences("b")[0])
    s_b[k] = w*s_b[k - 1] + 1
    """

    composition: Composition
    loss: Expr | None
    wrt: tuple[str, ...]
    second_order: bool = False

    @cached_property
    def blocks(self) -> tuple[BlockFactors, ...]:
        """The factors of each block; the first block is applied first."""
        return block_factors(self.composition)

    @property
    def last(self) -> Expr:
        """The index of the state after the last layer."""
        return sum((b.layers for b in self.composition.blocks), Integer(0))

    @property
    def loss_derivative(self) -> tuple[Expr, ...]:
        """∂L/∂x of a loss, one expression for each component of the state."""
        if self.loss is None:
            raise InputError("the gradient has no loss; give one, e.g. gradient(f, '(x - 1)**2', wrt='w')")
        return tuple(differentiate(self.loss, s) for s in self.composition.state)

    def written_out(self, name: str) -> Expr:
        """Return the gradient of a scalar chain as a sum over its layers, products unevaluated.

        For a parameter with a value per layer the derivative in its value of layer t (of the first block that
        has it) is returned, without the sum.
        """
        if self.composition.dimension != 1:
            raise InputError("the written-out sum is for chains of one component; use .recurrences")
        self._known(name)
        (t,) = counters(self.composition, "t")
        layered = name in self.composition.layered
        total: Expr = Integer(0)
        if name == self.composition.state[0].name:
            total = chain_product(self.composition).expr
        for position, placed in enumerate(self.blocks):
            depth, summand = placed.block.depth, self._summand(position, name, t)
            if layered or depth == 1:
                total += summand.xreplace({t: Integer(1)}) if depth == 1 else summand
            elif summand != 0:
                total += Sum(summand, (t, 1, depth))
        if self.loss is None:
            return total
        at_end = state_at(self.composition, self.last)
        return self.loss_derivative[0].xreplace(at_end) * total + self._own(name)

    def _own(self, name: str) -> Expr:
        """Return the loss's own derivative in a parameter; the start enters it through the last state only."""
        if self.loss is None or name == self.composition.state[0].name:
            return Integer(0)
        return differentiate(self.loss, real(name)).xreplace(state_at(self.composition, self.last))

    def _known(self, name: str) -> None:
        if name not in (known := _differentiable(self.composition, self.loss)):
            listing = ", ".join(sorted(known)) or "none"
            raise InputError(f"{name!r} is not a parameter of the chain or of the loss; the parameters are {listing}")

    def _summand(self, position: int, name: str, application: Expr) -> Expr:
        """Return (∏ of all later factors) · ∂f/∂name of the layers of one application of one block."""
        placed = self.blocks[position]
        factors = placed.at(application)
        summand: Expr = Integer(0)
        for j, factor in enumerate(factors):
            local = _local(factor, name)
            summand += Mul(*(f.expr for f in factors[j + 1 :])) * local
        if summand == 0:
            return summand
        later = [b.product(Integer(1)) for b in self.blocks[position + 1 :]]
        if placed.block.depth != 1:
            later.append(_tail(placed, application))
        return Mul(*later, summand)

    def recurrences(self, name: str) -> tuple[Recurrence, ...]:
        """Return s[k] = f_x s[k-1] + f_θ for every distinct layer and component; states are x[k-1]."""
        self._known(name)
        return tuple(r for layer in self.composition.maps for r in _first_order(layer, name))

    def second_recurrences(self, first: str, second: str) -> tuple[Recurrence, ...]:
        """Return the recurrence of ∂²x/∂first∂second for every distinct layer and component."""
        self._known(first)
        self._known(second)
        return tuple(r for layer in self.composition.maps for r in _second_order(layer, first, second))

    def text(self, name: str) -> str:
        """Return the gradient as text: the written-out sum, or the recurrences for several components."""
        if self.composition.dimension == 1:
            return to_text(self.written_out(name))
        return "; ".join(map(str, self.recurrences(name)))

    def latex(self, name: str) -> str:
        """Return the written-out sum in LaTeX, factors through the layers' outputs where that is exact.

        >>> from symgrad.symbols import n
        >>> print(gradient(Map("tanh(w*x + b)", "x") ** n, wrt=("b",)).latex("b"))
        \\sum_{t=1}^{n} \\left[\\prod_{k=t+1}^{n} w\\,(1 - x_{k}^{2})\\right] (1 - x_{t}^{2})
        """
        self._known(name)
        if self.composition.dimension != 1:
            return r" \\ ".join(f"{to_latex(r.left)} = {to_latex(r.right)}" for r in self.recurrences(name))
        terms = [text for i in range(len(self.blocks)) if (text := self._block_latex(i, name))]
        if name == self.composition.state[0].name:
            terms = [chain_product(self.composition).latex()]
        total = " + ".join(terms) or "0"
        if self.loss is None:
            return total
        at_end = state_at(self.composition, self.last)
        outer = to_latex(self.loss_derivative[0].xreplace(at_end), factor=True)
        own = self._own(name)
        bracketed = outer if total == "1" else rf"{outer}\,\Bigl({total}\Bigr)"
        product = "" if total == "0" else bracketed
        return " + ".join(part for part in (product, "" if own == 0 else to_latex(own)) if part) or "0"

    def _block_latex(self, position: int, name: str) -> str:
        placed, layered = self.blocks[position], name in self.composition.layered
        repeated = placed.block.depth != 1
        (t,) = counters(self.composition, "t")
        factors = placed.at(t if repeated else Integer(1))
        parts = []
        for j, factor in enumerate(factors):
            if (local := _local(factor, name, by_output=True)) != 0:
                rest = [to_latex(f.by_output, factor=True) for f in reversed(factors[j + 1 :])]
                parts.append(joined_latex([*rest, to_latex(local, factor=True)]))
        if not parts:
            return ""
        later = [rf"\left[{_product_latex(b, '1')}\right]" for b in reversed(self.blocks[position + 1 :])]
        if repeated:
            later.append(rf"\left[{_product_latex(placed, f'{t}+1')}\right]")
        inner = parts[0] if len(parts) == 1 else rf"\bigl({' + '.join(parts)}\bigr)"
        body = " ".join([*later, inner] if inner != "1" or not later else later)
        depth = to_latex(placed.block.depth)
        return rf"\sum_{{{t}=1}}^{{{depth}}} {body}" if repeated and not layered else body


def _product_latex(placed: BlockFactors, first: str) -> str:
    if placed.block.depth == 1:
        return joined_latex([to_latex(f.by_output, factor=True) for f in reversed(placed.at(Integer(1)))])
    each = joined_latex([to_latex(f.by_output, factor=True) for f in reversed(placed.at(k))])
    return rf"\prod_{{k={first}}}^{{{to_latex(placed.block.depth)}}} {each}"


def _tail(placed: BlockFactors, application: Expr) -> Expr:
    """Return the product of a block's factors after the given application: empty, hence 1, after the last."""
    return placed.product(application + 1)


def _local(factor: Factor, name: str, *, by_output: bool = False) -> Expr:
    """Return ∂f/∂name of one layer at the state that enters it."""
    layer = factor.layer
    if name not in layer.layered and name not in {p.name for p in layer.parameters}:
        return Integer(0)
    if by_output:
        outer, symbol = layer.expr, layer.symbol(name)
        if len(outer.args) == 1 and factor.by_output != factor.expr:
            jacobian = Map(outer.args[0], layer.state, domain=layer.domain).jacobian[0][0]
            if jacobian != 0:
                return factor.by_output / factor.place(jacobian) * factor.place(differentiate(outer.args[0], symbol))
    return factor.place(layer.derivative(name)[0])


def _sensitivity(layer: Map, component: int, names: Sequence[str], step: Expr) -> Expr:
    """Return the symbol s_a[step], or s1_a[step] for the first of several components."""
    number = "" if layer.dimension == 1 else str(component + 1)
    return IndexedBase(Symbol(f"s{number}_{''.join(names)}", real=True))[step]


def _first_order(layer: Map, name: str) -> list[Recurrence]:
    entering = state_at(layer, k - 1)
    if name in layer.layered or name in {p.name for p in layer.parameters}:
        local = layer.derivative(name)
    else:
        local = tuple(Integer(0) for _ in layer.exprs)
    recurrences = []
    for i, row in enumerate(layer.jacobian):
        carried = sum((e * _sensitivity(layer, j, [name], k - 1) for j, e in enumerate(row)), Integer(0))
        recurrences.append(Recurrence(_sensitivity(layer, i, [name], k), (carried + local[i]).xreplace(entering)))
    return recurrences


def _second_order(layer: Map, first: str, second: str) -> list[Recurrence]:
    entering = state_at(layer, k - 1)
    a, b = layer.symbol(first), layer.symbol(second)
    recurrences = []
    for i, expr in enumerate(layer.exprs):
        total = differentiate(differentiate(expr, a), b)
        for j, xj in enumerate(layer.state):
            slope = differentiate(expr, xj)
            sa, sb = (_sensitivity(layer, j, [name], k - 1) for name in (first, second))
            total += slope * _sensitivity(layer, j, [first, second], k - 1)
            total += differentiate(slope, a) * sb + differentiate(slope, b) * sa
            for m, xm in enumerate(layer.state):
                total += differentiate(slope, xm) * sa * _sensitivity(layer, m, [second], k - 1)
        recurrences.append(Recurrence(_sensitivity(layer, i, [first, second], k), total.xreplace(entering)))
    return recurrences


def gradient(
    chain: Map | Composition,
    loss: Expr | str | None = None,
    *,
    wrt: str | Symbol | Sequence[str | Symbol],
    second_order: bool = False,
) -> Gradient:
    """Return the gradient of ``loss`` (or of the last state) in the parameters ``wrt``.

    Parameters
    ----------
    chain : the layers, of literal or symbolic depth
    loss : of the state after the last layer and of parameters, as an expression or text
    wrt : one name, "w,b", or a sequence of names or symbols
    second_order : also derive ∂²/∂a∂b

    Raises
    ------
    InputError : a name that neither the chain nor the loss contains; a loss in the states of single layers
    """
    composition = as_composition(chain)
    given = wrt.split(",") if isinstance(wrt, str) else [wrt] if isinstance(wrt, Symbol) else wrt
    if not isinstance(given, Sequence):
        raise InputError(f"wrt must name parameters, got {wrt!r}; give e.g. 'w,b'")
    names = tuple(dict.fromkeys(str(name).strip() for name in given))
    target = _loss_expression(loss, composition)
    for name in names:
        Gradient(composition, target, names)._known(name)
    if second_order and set(names) & set(composition.layered):
        raise InputError(
            "second order needs parameters that all layers share; leave out the ones with a value per layer"
        )
    return Gradient(composition, target, names, second_order)


def _differentiable(chain: Composition, loss: Expr | None) -> set[str]:
    """Return the names a gradient can be taken in: parameters of the chain and of the loss, and the start."""
    names = {p.name for p in chain.parameters} | set(chain.layered) | {s.name for s in chain.state}
    return names if loss is None else names | {s.name for s in loss.free_symbols}


def _loss_expression(loss: Expr | str | None, composition: Composition) -> Expr | None:
    if loss is None:
        return None
    others = [Integer(0)] * (composition.dimension - 1)
    step = Map([entered(loss, composition.domain), *others], composition.state, domain=composition.domain)
    target = step.exprs[0]
    if shared := {*step.layered, *(s.name for s in target.free_symbols)} & {*step.layered, *composition.layered}:
        name = sorted(shared)[0]
        raise InputError(f"the loss contains {name!r}, which has a value per layer; a loss may use shared parameters")
    if clash := {s.name for s in target.free_symbols} & {s.name for s in composition.depth_symbols}:
        raise InputError(f"the loss contains {sorted(clash)[0]!r}, which is the depth; give one of them another name")
    return target
