"""Update rules as maps: Newton, gradient, clipped and momentum steps.

An update rule applied to an expression is a ``Map``, so that everything symgrad does with layers it does with
training steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Max, Min, S, Symbol, sqrt

from symgrad.derivation.gradients import Gradient
from symgrad.derivation.notation import to_latex
from symgrad.derivation.update_rules import UPDATE_RULES
from symgrad.errors import InputError
from symgrad.maps import Map, differentiate, entered
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


CLIPPINGS = ("norm", "value")


def check_clipping(clip_by: object) -> None:
    """Refuse a way of clipping that is neither by the norm nor by value.

    Raises
    ------
    InputError : the message lists the two
    """
    if clip_by not in CLIPPINGS:
        raise InputError(f"gradients are clipped by norm or by value, got {clip_by!r}; give one of them")


@dataclass(frozen=True)
class UpdateMap:
    """An update rule on the gradient of a composition's loss: stepped by a kernel, never written out.

    Parameters
    ----------
    gradient : the loss and the parameters that move (second order for Newton's rule)
    rule : "gradient", "momentum" (heavy ball) or "newton" (towards a stationary point of the loss)
    step_size : η, a positive number; usually 1 for Newton's rule
    threshold : the largest norm or component of a clipped gradient, or None for no clipping
    clip_by : whether the threshold bounds the "norm" of the gradient or each "value" of it
    momentum : β of the heavy ball, 0 <= β < 1
    """

    gradient: Gradient
    rule: str
    step_size: Expr
    threshold: Expr | None = None
    clip_by: str = "norm"
    momentum: Expr = S.Zero

    def latex(self) -> str:
        """Return the rule in LaTeX.

        >>> from symgrad.derivation.gradients import gradient
        >>> print(gradient_step(gradient(Map("w*x", "x"), "x**2", wrt="w"), eta="1/10").latex())
        \\theta \\leftarrow \\theta - \\frac{1}{10}\\,\\nabla L
        """
        size = "" if self.rule == "newton" and self.step_size == 1 else rf"{to_latex(self.step_size)}\,"
        if self.rule == "newton":
            return rf"\theta \leftarrow \theta - {size}(\nabla^2 L)^{{-1}}\,\nabla L"
        slope = rf"{size}\nabla L"
        if self.threshold is not None:
            bound = to_latex(self.threshold)
            by_norm = self.clip_by == "norm"
            slope = (
                rf"{slope}\,\min(1, {bound}/\|\nabla L\|)" if by_norm else rf"{size}[\nabla L]_{{-{bound}}}^{{{bound}}}"
            )
        if self.rule == "momentum":
            beta = to_latex(self.momentum)
            return rf"v \leftarrow {beta}\,v - {slope},\quad \theta \leftarrow \theta + v"
        return rf"\theta \leftarrow \theta - {slope}"


def _update(target: Gradient, rule: str, size: Expr, threshold: Expr | None = None, **more: Any) -> UpdateMap:
    """Check what a rule on a gradient needs: a loss, shared parameters, positive numbers."""
    if target.loss is None:
        raise InputError("an update needs a loss to lower; give one, e.g. gradient(f, '(x-1)**2', wrt='w')")
    if layered := set(target.wrt) & set(target.composition.layered):
        raise InputError(f"{sorted(layered)[0]!r} has a value per layer; updates move parameters that all layers share")
    for name, value in (("step size", size), ("threshold", threshold)):
        if value is not None and not value.is_positive:
            raise InputError(f"the {name} must be a positive number, got {value}; give e.g. 0.01")
    second = Gradient(target.composition, target.loss, target.wrt, True) if rule == "newton" else target
    return UpdateMap(second, rule, size, threshold, **more)


def newton(F: Expr | str | Gradient, x: Symbol | str | None = None, *, eta: Expr | str | float = 1) -> Map | UpdateMap:
    """Return Newton's step: x ← x - F/F' for a root of an expression; towards a stationary point of a gradient's loss.

    A damping ``eta`` below 1 multiplies the step.

    >>> newton("x**2 - a", "x")
    Map('x -> x - (-a + x**2)/(2*x)')
    """
    if isinstance(F, Gradient):
        return _update(F, "newton", entered(eta))
    variables = _symbols(x)
    if len(variables) != 1:
        raise InputError(f"newton takes one variable, got {len(variables)}; name the unknown, e.g. newton(F, 'x')")
    expr, size = _entered(F, variables), _positive("damping", eta, variables)
    return Map(UPDATE_RULES["damped"].scalar(expr, variables[0], h=size), variables)


def gradient_step(L: Expr | str | Gradient, theta: Any = None, eta: Expr | str | float = "eta") -> Map | UpdateMap:
    """Return the gradient step θ ← θ - η ∂L/∂θ of one or several variables, or of the parameters of a gradient.

    >>> gradient_step("(x - 1)**2", "x")
    Map('x -> -eta*(2*x - 2) + x')
    """
    if isinstance(L, Gradient):
        return _update(L, "gradient", entered(eta))
    variables = _symbols(theta)
    expr, size = _entered(L, variables), _positive("step size", eta, variables)
    return Map(UPDATE_RULES["gradient"].formula((expr,), variables, eta=size), variables)


def _clipped(slopes: Sequence[Expr], limit: Expr, clip_by: str) -> list[Expr]:
    """Return the gradient clipped by its norm, as g·v/max(v, ‖g‖), or by value, each component into [-v, v]."""
    if clip_by == "value":
        return [Max(-limit, Min(limit, g)) for g in slopes]
    norm = sqrt(slopes[0] * slopes[0]) if len(slopes) == 1 else sqrt(sum(g**2 for g in slopes))
    return [g * limit / Max(limit, norm) for g in slopes]


def clipped_step(
    L: Expr | str | Gradient,
    theta: Any = None,
    eta: Expr | str | float = "eta",
    threshold: Expr | str | float = "v",
    *,
    clip_by: str = "norm",
) -> Map | UpdateMap:
    """Return the clipped gradient step: if ‖g‖ ≥ v then g ← v g/‖g‖; by value, each component is put into [-v, v].

    The rule by the norm is written without a case distinction, as g·v/max(v, ‖g‖).

    >>> clipped_step("x**2", "x", threshold=3, clip_by="value")
    Map('x -> -eta*Max(-3, Min(3, 2*x)) + x')

    References
    ----------
    Pascanu, Mikolov & Bengio (2013), On the difficulty of training recurrent neural networks, Algorithm 1.
    Mikolov (2012), Statistical language models based on neural networks, section 3.2.2 (clipping by value).
    """
    check_clipping(clip_by)
    if isinstance(L, Gradient):
        return _update(L, "gradient", entered(eta), entered(threshold), clip_by=clip_by)
    variables = _symbols(theta)
    expr, size = _entered(L, variables), _positive("step size", eta, variables)
    limit = _positive("threshold", threshold, variables)
    slopes = _clipped([differentiate(expr, v) for v in variables], limit, clip_by)
    return Map([v - size * g for v, g in zip(variables, slopes, strict=True)], variables)


def _momentum(value: Expr | str | float, taken: tuple[Symbol, ...]) -> Expr:
    """Return β, refusing numbers outside 0 <= β < 1 and the variables themselves."""
    beta = entered(value)
    if beta.is_number and not (beta.is_nonnegative and (1 - beta).is_positive):
        raise InputError(f"the momentum must be at least 0 and below 1, got {beta}; give e.g. 0.9")
    if moving := beta.free_symbols & set(taken):
        raise InputError(f"the momentum {beta} contains the variable {moving.pop()}; give it another name")
    return beta


def momentum_step(
    L: Expr | str | Gradient,
    theta: Any = None,
    eta: Expr | str | float = "eta",
    momentum: Expr | str | float = "beta",
    *,
    threshold: Expr | str | float | None = None,
    clip_by: str = "norm",
) -> Map | UpdateMap:
    """Return the heavy ball: v ← βv - η ∂L/∂θ, θ ← θ + v, a map of two components for each variable.

    The positions come first, then the velocities; the velocity of ``x`` is named ``velocity_x``. A threshold clips the
    gradient before it enters the velocity.

    >>> momentum_step("x**2", "x")
    Map('x, velocity_x -> beta*velocity_x - 2*eta*x + x; beta*velocity_x - 2*eta*x')

    References
    ----------
    Polyak (1964), Some methods of speeding up the convergence of iteration methods, USSR Computational Mathematics
    and Mathematical Physics 4(5).
    """
    check_clipping(clip_by)
    if isinstance(L, Gradient):
        beta, bound = _momentum(momentum, ()), None if threshold is None else entered(threshold)
        if not beta.is_number:
            raise InputError(f"the momentum must be at least 0 and below 1, got {beta}; give e.g. 0.9")
        return _update(L, "momentum", entered(eta), bound, clip_by=clip_by, momentum=beta)
    variables = _symbols(theta)
    expr, size = _entered(L, variables), _positive("step size", eta, variables)
    velocities = tuple(real(f"velocity_{v.name}") for v in variables)
    if taken := expr.free_symbols & set(velocities):
        raise InputError(f"{taken.pop()} is the name of a velocity; give that parameter of the loss another name")
    beta, slopes = _momentum(momentum, (*variables, *velocities)), [differentiate(expr, v) for v in variables]
    if threshold is not None:
        slopes = _clipped(slopes, _positive("threshold", threshold, variables), clip_by)
    faster = [beta * v - size * g for v, g in zip(velocities, slopes, strict=True)]
    return Map([*(x + v for x, v in zip(variables, faster, strict=True)), *faster], (*variables, *velocities))
