"""Update rules as maps: Newton, gradient and clipped gradient steps, and Newton's step of a whole composition.

An update rule applied to an expression is a ``Map``, so that everything symgrad does with layers it does with
training steps. Newton's step of a composition F = f_n∘…∘f_1 towards F(x) = y is the inverse chain product:

    N(x)  = x - (F(x) - y)/∏ f_k'(x_{k-1})
    N'(x) = (F - y) F''/F'²,   F''/F' = Σ_k (f_k''/f_k')(x_{k-1}) ∏_{j<k} f_j'(x_{j-1})
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, IndexedBase, Integer, Max, Mul, Product, Sum, Symbol, sqrt

from symgrad.derivation.chain import ChainProduct, chain_product, counters
from symgrad.derivation.gradients import Gradient
from symgrad.derivation.notation import to_latex
from symgrad.errors import InputError
from symgrad.maps import Composition, Map, as_composition, differentiate, entered
from symgrad.symbols import real


def _symbols(names: Any) -> tuple[Symbol, ...]:
    several = names if isinstance(names, Sequence) and not isinstance(names, str) else [names]
    for name in several:
        if not isinstance(name, str | Symbol):
            raise InputError(f"the variable must be a symbol or a name, got {name!r}; name one, e.g. 'x'")
    return tuple(real(str(name)) for name in several)


def _entered(expr: Expr | str, variables: tuple[Symbol, ...]) -> Expr:
    """Return the expression in the alphabet's symbols, refusing variables that do not occur."""
    own = Map([expr, *[Integer(0)] * (len(variables) - 1)], variables).exprs[0]
    if missing := [v.name for v in variables if v not in own.free_symbols]:
        raise InputError(f"{own} does not depend on {missing[0]!r}; name a variable that occurs in it")
    return own


def _positive(what: str, value: Expr | str | float, variables: tuple[Symbol, ...]) -> Expr:
    """Return a step size or threshold, refusing numbers that are not positive and the variables themselves."""
    given = entered(value)
    if given.is_number and not given.is_positive:
        raise InputError(f"the {what} must be a positive number, got {given}; give e.g. 0.01")
    if moving := given.free_symbols & set(variables):
        raise InputError(f"the {what} {given} contains the variable {moving.pop()}; give it another name")
    return given


@dataclass(frozen=True)
class UpdateMap:
    """An update rule on the gradient of a composition's loss: stepped by a kernel, never written out.

    Parameters
    ----------
    gradient : the loss and the parameters that move (second order for Newton's rule)
    rule : "gradient", "clipped" (by the norm) or "newton" (towards a stationary point of the loss)
    step_size : η, a positive number; 1 for Newton's rule
    threshold : the largest norm of a clipped gradient, or None
    """

    gradient: Gradient
    rule: str
    step_size: Expr
    threshold: Expr | None = None

    def latex(self) -> str:
        """Return the rule in LaTeX.

        >>> from symgrad.derivation.gradients import gradient
        >>> print(gradient_step(gradient(Map("w*x", "x"), "x**2", wrt="w"), eta="1/10").latex())
        \\theta \\leftarrow \\theta - \\frac{1}{10}\\,\\nabla L
        """
        if self.rule == "newton":
            return r"\theta \leftarrow \theta - (\nabla^2 L)^{-1}\,\nabla L"
        clip = "" if self.threshold is None else rf"\,\min(1, {to_latex(self.threshold)}/\|\nabla L\|)"
        return rf"\theta \leftarrow \theta - {to_latex(self.step_size)}\,\nabla L{clip}"


def _update(target: Gradient, rule: str, size: Expr, threshold: Expr | None = None) -> UpdateMap:
    """Check what a rule on a gradient needs: a loss, shared parameters, positive numbers."""
    if target.loss is None:
        raise InputError("an update needs a loss to lower; give one, e.g. gradient(f, '(x-1)**2', wrt='w')")
    if layered := set(target.wrt) & set(target.composition.layered):
        raise InputError(f"{sorted(layered)[0]!r} has a value per layer; updates move parameters that all layers share")
    for name, value in (("step size", size), ("threshold", threshold)):
        if value is not None and not value.is_positive:
            raise InputError(f"the {name} must be a positive number, got {value}; give e.g. 0.01")
    second = Gradient(target.composition, target.loss, target.wrt, True) if rule == "newton" else target
    return UpdateMap(second, rule, size, threshold)


def newton(F: Expr | str | Gradient, x: Symbol | str | None = None) -> Map | UpdateMap:
    """Return Newton's step: x ← x - F/F' for a root of an expression; towards a stationary point of a gradient's loss.

    >>> newton("x**2 - a", "x")
    Map('x -> x - (-a + x**2)/(2*x)')
    """
    if isinstance(F, Gradient):
        return _update(F, "newton", Integer(1))
    variables = _symbols(x)
    if len(variables) != 1:
        raise InputError(f"newton takes one variable, got {len(variables)}; name the unknown, e.g. newton(F, 'x')")
    expr = _entered(F, variables)
    return Map(variables[0] - expr / differentiate(expr, variables[0]), variables)


def gradient_step(L: Expr | str | Gradient, theta: Any = None, eta: Expr | str | float = "eta") -> Map | UpdateMap:
    """Return the gradient step θ ← θ - η ∂L/∂θ of one or several variables, or of the parameters of a gradient.

    >>> gradient_step("(x - 1)**2", "x")
    Map('x -> -eta*(2*x - 2) + x')
    """
    if isinstance(L, Gradient):
        return _update(L, "gradient", entered(eta))
    variables = _symbols(theta)
    expr, size = _entered(L, variables), _positive("step size", eta, variables)
    return Map([v - size * differentiate(expr, v) for v in variables], variables)


def clipped_step(
    L: Expr | str | Gradient, theta: Any = None, eta: Expr | str | float = "eta", threshold: Expr | str | float = "v"
) -> Map | UpdateMap:
    """Return the norm-clipped gradient step: if ‖g‖ ≥ v then g ← v g/‖g‖.

    The rule is written without a case distinction, as g·v/max(v, ‖g‖).

    References
    ----------
    Pascanu, Mikolov & Bengio (2013), On the difficulty of training recurrent neural networks, Algorithm 1.
    """
    if isinstance(L, Gradient):
        return _update(L, "clipped", entered(eta), entered(threshold))
    variables = _symbols(theta)
    expr, size = _entered(L, variables), _positive("step size", eta, variables)
    limit = _positive("threshold", threshold, variables)
    slopes = [differentiate(expr, v) for v in variables]
    norm = sqrt(Mul(*slopes * 2)) if len(slopes) == 1 else sqrt(sum(g**2 for g in slopes))
    return Map([v - size * g * limit / Max(limit, norm) for v, g in zip(variables, slopes, strict=True)], variables)


@dataclass(frozen=True)
class CompositionNewton:
    """Newton's step of a whole composition, in layered form: nothing is expanded with depth.

    Examples
    --------
    >>> from symgrad.symbols import n
    >>> step = newton_of_composition(Map("w*x", "x") ** n, "y")
    >>> step.update
    -(-y + x[n])/Product(w, (k, 1, n)) + x[0]
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
                (state,) = factor.layer.state
                second = factor.place(differentiate(factor.layer.jacobian[0][0], state))
                summand += second / factor.expr * each
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

    def latex(self) -> str:
        """Return N(x) in LaTeX."""
        state = to_latex(self.composition.state[0])
        residual = to_latex(self.residual)
        return rf"N({state}_{{0}}) = {state}_{{0}} - \frac{{{residual}}}{{{self.chain.latex()}}}"


def newton_of_composition(chain: Map | Composition, target: Expr | str) -> CompositionNewton:
    """Return Newton's step for F(x) = target of a scalar composition F, at any depth."""
    composition = as_composition(chain)
    if composition.dimension != 1:
        raise InputError("newton_of_composition takes a chain of one component; use one state")
    goal = entered(target)
    if set(composition.state) & goal.free_symbols:
        raise InputError(f"the target {goal} contains the state; give a value or a parameter of another name")
    return CompositionNewton(composition, goal)
