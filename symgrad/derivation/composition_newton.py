"""Newton's steps of a whole composition, in layered form: nothing is expanded with the depth.

For a root of F(x) = y in the input, F = f_n∘…∘f_1, the step is the inverse of the chain product:

    N(x)  = x - (F(x) - y)/∏ f_k'(x_{k-1})
    N'(x) = (F - y) F''/F'²,   F''/F' = Σ_k (f_k''/f_k')(x_{k-1}) ∏_{j<k} f_j'(x_{j-1})

For a stationary point of a loss L(x_n, θ) in a parameter, with s_m = ∂^m x/∂θ^m:

    N(θ)  = θ - L'/L'',   N'(θ) = L' L'''/L''²

Each L^(m) is written in x[n] and s_1[n] … s_m[n], which travel with the state. Their recurrences are the total
derivatives of one another, d/dθ = ∂_θ + s_1 ∂_x + s_2 ∂_{s_1} + …, so that third order costs no more than second.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import sympy
from sympy import Add, Expr, IndexedBase, Integer, Mul, Product, Sum, Symbol
from sympy.polys.polyerrors import PolynomialError

from symgrad.derivation.chain import ChainProduct, Factor, chain_product, counters, state_at
from symgrad.derivation.gradients import Gradient, Recurrence, gradient
from symgrad.derivation.notation import joined_latex, to_latex
from symgrad.errors import InputError
from symgrad.maps import Block, Composition, Map, as_composition, differentiate, entered, to_text
from symgrad.symbols import k, real

LARGEST_CANCELLED = 300
ORDERS = (1, 2, 3)
PRIMES = ("L'", "L''", "L'''")


@dataclass(frozen=True)
class CompositionNewton:
    """Newton's step of a whole composition, in layered form: nothing is expanded with depth.

    Examples
    --------
    >>> from symgrad.symbols import n
    >>> step = newton_of_composition(Map("w*x", "x") ** n, "y")
    >>> step.update
    -(-y + x[n])/Product(w, (k, 1, n)) + x[0]
    >>> unit = newton_of_composition(Map("tanh(w*x)", "x") ** n, "y")
    >>> print(unit.derivative_latex())
    N'(x_{0}) = \\frac{- y + x_{n}}{\\prod_{k=1}^{n} w\\,(1 - x_{k}^{2})}\\,\\sum_{t=1}^{n} (- 2\\,w\\,x_{t}) \
\\prod_{k=1}^{t-1} w\\,(1 - x_{k}^{2})
    """

    composition: Composition
    target: Expr

    @cached_property
    def chain(self) -> ChainProduct:
        """The chain product, the derivative of the composition."""
        return chain_product(self.composition)

    @property
    def _end(self) -> Expr:
        layers = sum((b.layers for b in self.composition.blocks), Integer(0))
        return IndexedBase(self.composition.state[0])[layers]

    @property
    def residual(self) -> Expr:
        """F(x) - y."""
        return self._end - self.target

    @property
    def step(self) -> Expr:
        """N(x) - x = -(F(x) - y)/∏ f_k'(x_{k-1})."""
        return -self.residual / self.chain.expr

    @property
    def update(self) -> Expr:
        """N(x) = x - (F(x) - y)/∏ f_k'(x_{k-1}), with x = x[0] and F(x) = x[n]."""
        return IndexedBase(self.composition.state[0])[0] - self.residual / self.chain.expr

    @cached_property
    def relative_curvature(self) -> Expr:
        """F''/F' = Σ_k (f_k''/f_k')(x_{k-1}) ∏_{j<k} f_j'(x_{j-1}), summed over every layer of every block."""
        t, j = counters(self.composition, "tj")
        total: Expr = Integer(0)
        before: Expr = Integer(1)
        for placed in self.chain.blocks:
            depth = placed.block.depth
            application = Integer(1) if depth == 1 else t
            each: Expr = Integer(1)
            summand: Expr = Integer(0)
            for factor in placed.at(application):
                summand += _bend(factor) * each
                each *= factor.expr
            if depth == 1:
                total += before * summand
                before *= each
            else:
                earlier = Product(each.xreplace({t: j}), (j, 1, t - 1))
                total += before * Sum(summand * earlier, (t, 1, depth)) if summand != 0 else 0
                before *= placed.product(Integer(1))
        return total

    @property
    def derivative(self) -> Expr:
        """N'(x) = (F - y)·(F''/F')/F'."""
        return self.residual * self.relative_curvature / self.chain.expr

    @property
    def sensitivity_to_target(self) -> Expr:
        """∂x*/∂y of the root x*(y), by the implicit function theorem: 1/∏ f_k'(x_{k-1})."""
        return 1 / self.chain.expr

    def sensitivity(self, name: str) -> Expr:
        """Return ∂x*/∂θ of the root x*(θ) of F(x) = y: -(∂x_n/∂θ - ∂y/∂θ)/∏ f_k'(x_{k-1}).

        >>> newton_of_composition(Map("w*x + b", "x"), "y").sensitivity("b")
        -1/w
        """
        own = differentiate(self.target, real(name))
        known = {p.name for p in self.composition.parameters} | set(self.composition.layered)
        along = gradient(self.composition, wrt=(name,)).written_out(name) if own == 0 or name in known else Integer(0)
        return -(along - own) / self.chain.expr

    def latex(self) -> str:
        """Return N(x) in LaTeX."""
        state = to_latex(self.composition.state[0])
        residual = to_latex(self.residual)
        return rf"N({state}_{{0}}) = {state}_{{0}} - \frac{{{residual}}}{{{self.chain.latex()}}}"

    def curvature_latex(self) -> str:
        """Return F''/F' in LaTeX, the factors through the layers' outputs where that is exact."""
        return " + ".join(self._curvature_terms()) or "0"

    def _curvature_terms(self) -> list[str]:
        (t,) = counters(self.composition, "t")
        terms, before = [], ""
        for placed in self.chain.blocks:
            repeated, depth = placed.block.depth != 1, to_latex(placed.block.depth)
            inner = _bends_latex(placed.at(t if repeated else Integer(1)))
            whole = _product_latex(placed.at(k if repeated else Integer(1)))
            if inner and repeated:
                earlier = "" if whole == "1" else rf" \prod_{{k=1}}^{{{t}-1}} {whole}"
                inner = rf"\sum_{{{t}=1}}^{{{depth}}} {inner}{earlier}"
            if inner:
                terms.append(joined_latex([text for text in (before, inner) if text]))
            power = rf"\prod_{{k=1}}^{{{depth}}} {whole}" if repeated and whole != "1" else whole
            before = (
                joined_latex([text for text in (before, rf"\left[{power}\right]") if text]) if power != "1" else before
            )
        return terms

    def derivative_latex(self) -> str:
        """Return N'(x) = (F - y)/F' · F''/F' in LaTeX."""
        state, terms = to_latex(self.composition.state[0]), self._curvature_terms()
        if not terms:
            return rf"N'({state}_{{0}}) = 0"
        bend = terms[0] if len(terms) == 1 else rf"\left({' + '.join(terms)}\right)"
        return rf"N'({state}_{{0}}) = \frac{{{to_latex(self.residual)}}}{{{self.chain.latex()}}}\,{bend}"

    def text(self) -> tuple[str, str]:
        """Return N(x) and N'(x) as text, sums and products unevaluated.

        >>> from symgrad.symbols import n
        >>> print(*newton_of_composition(Map("w*x + x**2", "x") ** n, "y").text(), sep="; ")
        N(x[0]) = -(-y + x[n])/Product(w + 2*x[k - 1], (k, 1, n)) + x[0]; N'(x[0]) = (-y + x[n])*Sum(2*Product(w + \
2*x[j - 1], (j, 1, t - 1))/(w + 2*x[t - 1]), (t, 1, n))/Product(w + 2*x[k - 1], (k, 1, n))
        """
        state = self.composition.state[0]
        return f"N({state}[0]) = {to_text(self.update)}", f"N'({state}[0]) = {to_text(self.derivative)}"


def _bend(factor: Factor) -> Expr:
    """Return f''/f' of one layer at the state that enters it, common factors cancelled."""
    (state,) = factor.layer.state
    first = factor.layer.jacobian[0][0]
    ratio = differentiate(first, state) / first
    return factor.place(ratio if ratio == 0 else _short(ratio))


def _bend_by_output(factor: Factor) -> Expr:
    """Return f''/f' written through the layer's output where the layer is φ(linear) and that is exact."""
    if factor.by_output == factor.expr:
        return _bend(factor)
    (state,) = factor.layer.state
    inner = differentiate(factor.layer.expr.args[0], state)
    if state in inner.free_symbols:
        return _bend(factor)
    output = IndexedBase(state)[factor.entering + 1]
    y = Symbol("y_out", real=True)
    slope = factor.by_output.xreplace({output: y})
    return differentiate(slope, y).xreplace({y: output})


def _bends_latex(factors: tuple[Factor, ...]) -> str:
    """Return Σ_j f_j''/f_j' ∏_{i<j} f_i' of the layers of one application, empty where it is 0."""
    parts = []
    for position, factor in enumerate(factors):
        if (bend := _bend_by_output(factor)) != 0:
            earlier = [to_latex(f.by_output, factor=True) for f in reversed(factors[:position])]
            parts.append(joined_latex([to_latex(bend, factor=True), *earlier]))
    return parts[0] if len(parts) == 1 else rf"\bigl({' + '.join(parts)}\bigr)" if parts else ""


def _product_latex(factors: tuple[Factor, ...]) -> str:
    return joined_latex([to_latex(f.by_output, factor=True) for f in reversed(factors)])


def newton_of_composition(chain: Map | Composition, target: Expr | str) -> CompositionNewton:
    """Return Newton's step for F(x) = target of a scalar composition F, at any depth."""
    composition = as_composition(chain)
    if composition.dimension != 1:
        raise InputError("newton_of_composition takes a chain of one component; use one state")
    goal = entered(target)
    if set(composition.state) & goal.free_symbols:
        raise InputError(f"the target {goal} contains the state; give a value or a parameter of another name")
    return CompositionNewton(composition, goal)


@dataclass(frozen=True)
class LossNewton:
    """Newton's step towards a stationary point of a loss in one shared parameter, by sensitivities of the state.

    Parameters
    ----------
    composition : a chain of one component
    loss : of the state after the last layer and of parameters
    wrt : the parameter θ that moves

    Examples
    --------
    >>> from symgrad.symbols import n
    >>> step = newton_of_loss(Map("tanh(w*x + b)", "x") ** n, "(x - 1)**2/2", wrt="b")
    >>> print(step.text()[0])
    N(b) = b - L'/L''
    >>> print(*step.text()[2:4], sep="; ")
    L' = (x[n] - 1)*s_b[n]; L'' = (x[n] - 1)*s_bb[n] + s_b[n]**2
    >>> print(newton_of_loss(Map("w*x + b", "x") ** n, "x**2", wrt="b").recurrences[0])
    s_b[k] = w*s_b[k - 1] + 1
    """

    composition: Composition
    loss: Expr
    wrt: str

    @property
    def gradient(self) -> Gradient:
        """The loss with its first and second derivative, as kernels compile it."""
        return Gradient(self.composition, self.loss, (self.wrt,), True)

    @property
    def _last(self) -> Expr:
        return self.gradient.last

    def sensitivity_symbol(self, order: int) -> IndexedBase:
        """Return s_θ, s_θθ or s_θθθ, the derivative of the state of that order."""
        return IndexedBase(Symbol(f"s_{self.wrt * order}", real=True))

    def _total(self, expr: Expr, plain: tuple[Symbol, ...]) -> Expr:
        """Return d/dθ of an expression in x, θ and the sensitivities, each the derivative of the one before."""
        chain = (self.composition.state[0], *plain)
        carried = sum((differentiate(expr, a) * b for a, b in pairwise(chain)), Integer(0))
        return _collected(differentiate(expr, real(self.wrt)) + carried, plain)

    def _plain(self) -> tuple[Symbol, ...]:
        return tuple(Symbol(f"s_{self.wrt * order}", real=True) for order in ORDERS)

    def _derivatives(self, expr: Expr) -> tuple[Expr, ...]:
        """Return the first three total derivatives in θ, in x and the plain symbols of the sensitivities."""
        found, plain = [expr], self._plain()
        for _ in ORDERS:
            found.append(self._total(found[-1], plain))
        return tuple(found[1:])

    def _at(self, expr: Expr, step: Expr) -> Expr:
        places = {s: self.sensitivity_symbol(order)[step] for order, s in zip(ORDERS, self._plain(), strict=True)}
        return expr.xreplace(places | state_at(self.composition, step))

    @cached_property
    def loss_derivatives(self) -> tuple[Expr, Expr, Expr]:
        """L', L'' and L''' in x[n] and the sensitivities at n."""
        first, second, third = (self._at(e, self._last) for e in self._derivatives(self.loss))
        return first, second, third

    @cached_property
    def recurrences(self) -> tuple[Recurrence, ...]:
        """s_θ[k], s_θθ[k], s_θθθ[k] in terms of step k-1, for every distinct layer."""
        found = []
        for layer in self.composition.maps:
            for order, expr in zip(ORDERS, self._derivatives(layer.expr), strict=True):
                found.append(Recurrence(self.sensitivity_symbol(order)[k], self._at(expr, k - 1)))
        return tuple(found)

    @property
    def update(self) -> Expr:
        """N(θ) = θ - L'/L''."""
        first, second, _ = self.loss_derivatives
        return real(self.wrt) - first / second

    @property
    def derivative(self) -> Expr:
        """N'(θ) = L' L'''/L''²."""
        first, second, third = self.loss_derivatives
        return first * third / second**2

    @property
    def third_derivative(self) -> Expr:
        """L''' as a function of the last state of ``third_order_chain``."""
        return self._derivatives(self.loss)[2]

    def third_order_chain(self) -> Composition:
        """Return the chain that carries (x, s_θ, s_θθ, s_θθθ); its start has sensitivities 0."""
        plain = self._plain()

        def carried(layer: Map) -> Map:
            return Map((layer.expr, *self._derivatives(layer.expr)), (*self.composition.state, *plain))

        return Composition(
            tuple(Block(tuple(carried(m) for m in block.body), block.depth) for block in self.composition.blocks)
        )

    def text(self) -> tuple[str, ...]:
        """Return N(θ), N'(θ), the derivatives of the loss and the recurrences of the sensitivities as text."""
        primes = [f"{name} = {to_text(e)}" for name, e in zip(PRIMES, self.loss_derivatives, strict=True)]
        lines = [f"N({self.wrt}) = {self.wrt} - L'/L''", f"N'({self.wrt}) = L'*L'''/L''**2"]
        return (*lines, *primes, *map(str, self.recurrences))

    def latex(self) -> str:
        """Return N(θ) = θ - L'/L'' in LaTeX, the loss's derivatives in x[n] and the sensitivities at n."""
        first, second, _ = self.loss_derivatives
        name = to_latex(real(self.wrt))
        return rf"N({name}) = {name} - \frac{{{to_latex(first)}}}{{{to_latex(second)}}}"

    def derivative_latex(self) -> str:
        """Return N'(θ) = L' L'''/L''² in LaTeX, with L''' in x[n] and the sensitivities at n."""
        third = to_latex(self.loss_derivatives[2])
        return rf"N'({to_latex(real(self.wrt))}) = \frac{{L'\,L'''}}{{(L'')^{{2}}}},\quad L''' = {third}"

    def recurrences_latex(self) -> tuple[str, ...]:
        """Return the recurrence of each sensitivity in LaTeX."""
        return tuple(f"{to_latex(r.left)} = {to_latex(r.right)}" for r in self.recurrences)


def _collected(expr: Expr, plain: tuple[Symbol, ...]) -> Expr:
    """Return an expression as a polynomial in the sensitivities with factored coefficients."""
    terms = sympy.Poly(expr, *plain).terms()
    powers = [Mul(*(s**e for s, e in zip(plain, exponents, strict=True))) for exponents, _ in terms]
    return Add(*(_short(coefficient) * power for (_, coefficient), power in zip(terms, powers, strict=True)))


def _short(expr: Expr) -> Expr:
    """Return an expression factored, its functions taken for unknowns, where that is shorter."""
    if sympy.count_ops(expr) > LARGEST_CANCELLED:
        return expr
    try:
        return min(sympy.factor(expr), expr, key=sympy.count_ops)
    except PolynomialError:
        return expr


def newton_of_loss(chain: Map | Composition, loss: Expr | str, *, wrt: str | Symbol) -> LossNewton:
    """Return Newton's step towards a stationary point of ``loss`` in the parameter ``wrt``, at any depth.

    Raises
    ------
    InputError : a chain of several components, a parameter that does not occur or has a value per layer, a loss
        that does not depend on it
    """
    composition = as_composition(chain)
    if composition.dimension != 1:
        raise InputError("newton_of_loss takes a chain of one component; use newton(gradient(…)) for several")
    name = str(wrt)
    if name == composition.state[0].name:
        raise InputError(f"{name!r} is the state; newton_of_composition finds roots in the input, name a parameter")
    target: Any = gradient(composition, loss, wrt=(name,), second_order=True)
    found = LossNewton(composition, target.loss, name)
    if target.loss is None:
        raise InputError("newton_of_loss needs a loss; give one, e.g. '(x - 1)**2'")
    names = {p.name for p in composition.parameters} | set(composition.layered)
    if taken := names & {s.name for s in found._plain()}:
        raise InputError(f"{taken.pop()!r} is the name of a sensitivity; give that parameter another name")
    if found.loss_derivatives[0] == 0:
        raise InputError(f"the loss {target.loss} does not depend on {name!r} through the chain; name another")
    return found
