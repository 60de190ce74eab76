"""The chain product dx_n/dx_0 = f_n'(x_{n-1}) ⋯ f_1'(x_0), as factors that are never multiplied out.

Each factor is evaluated at the state that enters its layer. The states are written x[0], x[1], …; layer j of
application t of a body of m layers is entered by x[m·(t-1) + j - 1], counted from the block's first state.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from sympy import Expr, IndexedBase, Integer, Mul, Product, Symbol

from symgrad.derivation.closed_forms.recognition import closed_form
from symgrad.derivation.notation import joined_latex, to_latex
from symgrad.errors import InputError
from symgrad.maps import ACTIVATIONS, Block, Composition, Map, as_composition, layer_value, to_text
from symgrad.symbols import k


def state_at(chain: Map | Composition, position: Expr | int) -> dict[Expr, Expr]:
    """Return the substitution that writes every state symbol at ``position``: x → x[position].

    >>> state_at(Map("w*x", "x"), 3)
    {x: x[3]}
    """
    return {s: IndexedBase(s)[position] for s in chain.state}


def counters(chain: Map | Composition, preferred: str) -> list[Symbol]:
    """Return integers that count layers in sums and products, named otherwise than everything in the chain.

    >>> counters(Map("t*x", "x"), "tj")
    [j, i]
    """
    taken = {s.name for s in (*chain.state, *chain.parameters)} | set(chain.layered)
    if isinstance(chain, Composition):
        taken |= {s.name for s in chain.depth_symbols}
    spare = [c for c in dict.fromkeys(preferred + "tjilmpqrs") if c not in taken]
    return [Symbol(c, integer=True, positive=True) for c in spare[: len(preferred)]]


@dataclass(frozen=True)
class Factor:
    """The derivative of one layer at the state that enters it.

    Parameters
    ----------
    layer : the map
    entering : the index of the state that enters it, and of ``leaving`` minus 1
    application : the value of k, a symbol in a repeated block
    matrix : ∂(new)/∂(old) at that state, rows = new; shape (d, d)
    """

    layer: Map
    entering: Expr
    application: Expr
    matrix: tuple[tuple[Expr, ...], ...]

    @property
    def expr(self) -> Expr:
        """The factor of a scalar layer."""
        if self.layer.dimension != 1:
            raise InputError(f"a layer of {self.layer.dimension} components has a matrix of derivatives; use .matrix")
        return self.matrix[0][0]

    @cached_property
    def by_output(self) -> Expr:
        """The factor written through the layer's output where the layer is φ(…) and that is exact."""
        outer = self.layer.expr
        row = ACTIVATIONS.get(outer.func.__name__)
        if row is None or row.derivative_of_output is None or len(outer.args) != 1:
            return self.expr
        (state,) = self.layer.state
        inner = Map(outer.args[0], state, domain=self.layer.domain).jacobian[0][0]
        output = IndexedBase(state)[self.entering + 1]
        return self.place(inner) * row.derivative_of_output(output)

    def place(self, expr: Expr) -> Expr:
        """Write an expression of the layer at the state that enters it and at its own values w[k]."""
        values = {
            layer_value(name, self.layer.domain): _value(self.layer, name, self.application)
            for name in self.layer.layered
        }
        return expr.xreplace(values).xreplace(state_at(self.layer, self.entering))


def _value(layer: Map, name: str, application: Expr) -> Expr:
    return layer.symbol(name).base[application]


def factor_of(layer: Map, entering: Expr, application: Expr) -> Factor:
    """Return the factor of one layer at its place in the chain."""
    bare = Factor(layer, entering, application, ())
    return Factor(layer, entering, application, tuple(tuple(bare.place(e) for e in row) for row in layer.jacobian))


@dataclass(frozen=True)
class BlockFactors:
    """The factors of one block, for application ``t``, the first layer's first."""

    block: Block
    offset: Expr

    def at(self, application: Expr) -> tuple[Factor, ...]:
        """Return the block's factors in its given application."""
        size = len(self.block.body)
        first = self.offset + size * (application - 1)
        return tuple(factor_of(layer, first + j, application) for j, layer in enumerate(self.block.body))

    def product(self, first: Expr, *, by_output: bool = False) -> Expr:
        """Return the product over the applications ``first`` … depth of a scalar block."""
        depth = self.block.depth
        if first == depth:
            return Mul(*(f.by_output if by_output else f.expr for f in self.at(depth)))
        each = Mul(*(f.by_output if by_output else f.expr for f in self.at(k)))
        return Product(each, (k, first, depth))


def block_factors(chain: Map | Composition) -> tuple[BlockFactors, ...]:
    """Return the factors of every block with the index of the state that enters it."""
    placed, offset = [], Integer(0)
    for block in as_composition(chain).blocks:
        placed.append(BlockFactors(block, offset))
        offset = offset + block.layers
    return tuple(placed)


@dataclass(frozen=True)
class ChainProduct:
    """The derivative of a composition, as the ordered factors of its layers.

    Examples
    --------
    >>> from symgrad.symbols import n
    >>> product = chain_product(Map("tanh(w*x + b)", "x") ** n)
    >>> product.expr
    Product(w*(1 - tanh(b + w*x[k - 1])**2), (k, 1, n))
    >>> print(product.latex())
    \\prod_{k=1}^{n} w\\,(1 - x_{k}^{2})
    """

    composition: Composition

    @cached_property
    def blocks(self) -> tuple[BlockFactors, ...]:
        """The factors of each block; the first block is applied first."""
        return block_factors(self.composition)

    @cached_property
    def factors(self) -> tuple[Factor, ...]:
        """The factors, the first layer's first; one per layer of a repeated body, in its application k."""
        return tuple(f for b in self.blocks for f in b.at(Integer(1) if b.block.depth == 1 else k))

    @cached_property
    def expr(self) -> Expr:
        """The product of a scalar chain, with an unevaluated ``Product`` for every repeated block."""
        return Mul(*(b.product(Integer(1)) for b in self.blocks))

    def closed_form(self) -> Expr | None:
        """Return the product without a ``Product``, in the state x that enters the first layer, or None.

        The form is that of the general branch of ``symgrad.derivation.closed_form``, proved by induction.

        >>> from symgrad.symbols import n
        >>> chain_product(Map("w*x + b", "x") ** n).closed_form()
        w**n
        """
        if self.composition.dimension != 1:
            return None
        form = closed_form(self.composition)
        if form is not None and not form.branches[0].special and not form.derivative.has(Product):
            return form.derivative
        return self._power()

    def _power(self) -> Expr | None:
        """Return the product where every factor is the same in all applications, else None."""
        closed = Integer(1)
        for placed in self.blocks:
            each = Mul(*(f.expr for f in placed.at(k)))
            if each.has(IndexedBase) or k in each.free_symbols:
                return None
            closed *= each**placed.block.depth
        return closed

    def latex(self) -> str:
        """Return the product in LaTeX, the last layer's factor first, through the layers' outputs where exact."""
        return joined_latex(list(reversed([self._block_latex(b) for b in self.blocks])))

    def _block_latex(self, placed: BlockFactors) -> str:
        repeated = placed.block.depth != 1
        factors = list(reversed(placed.at(k if repeated else Integer(1))))
        if self.composition.dimension == 1:
            text = joined_latex([to_latex(f.by_output, factor=True) for f in factors])
        else:
            text = joined_latex([to_latex(f.matrix) for f in factors])
        return rf"\prod_{{k=1}}^{{{to_latex(placed.block.depth)}}} {text}" if repeated else text

    def texts(self) -> Iterator[str]:
        """Yield each factor as text, the first layer's first."""
        for factor in self.factors:
            if factor.layer.dimension == 1:
                yield to_text(factor.expr)
            else:
                yield "[" + ", ".join("[" + ", ".join(map(to_text, row)) + "]" for row in factor.matrix) + "]"


def chain_product(chain: Map | Composition) -> ChainProduct:
    """Return the chain product of a map or composition, for literal or symbolic depth.

    >>> list(chain_product(Map("v*x + c", "x") @ Map("tanh(w*x)", "x")).texts())
    ['w*(1 - tanh(w*x[0])**2)', 'v']
    """
    return ChainProduct(as_composition(chain))
