"""What becomes of Newton's step of a composition as layers are added: at a fixed residual, the inverse of the product.

log|N(x) - x| = log|F(x) - y| - log|∏ f_k'|. Where the residual tends to a nonzero constant the step has minus the rate
of the chain product: it explodes where the product vanishes and freezes where the product explodes. Where the target is
what the chain tends to, residual and product vanish together, and the measured rate says what is left.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr

from symgrad.derivation import CompositionNewton, Regime, constant_factor, exact_regimes, one_block
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.kernels import Kernel, NewtonStep, composition_newton_step, to_kernel
from symgrad.maps import Composition, entered, to_text
from symgrad.phenomena.regimes import TOLERANCE, PointRegime, RegimeMap, classify, regime_of_outcome
from symgrad.sweeps import Axis, sweep
from symgrad.symbols import n

Array = NDArray[np.float64]


class StepBehaviour(Enum):
    """What becomes of Newton's step with depth, at a fixed residual; the value is the sentence a report prints."""

    EXPLODING = "exploding: the chain product vanishes, and Newton's step divides by it"
    FREEZING = "freezing: the chain product explodes, and Newton's step with it in the denominator tends to 0"
    CONSTANT = "constant: the chain product tends to a nonzero constant, and so does the step"
    ALTERNATING = "alternating: the step keeps its size and changes its sign with every layer"
    OSCILLATING = "oscillating: the step has no limit and neither freezes nor explodes"
    UNDEFINED = "undefined: the chain product is exactly 0, so that there is no step"
    UNDECIDED = "undecided: the layers computed do not settle what becomes of the step"

    @property
    def word(self) -> str:
        """The lower-case name, as JSON and tables print it.

        >>> StepBehaviour.FREEZING.word
        'freezing'
        """
        return self.name.lower()


BEHAVIOURS: Mapping[Regime, StepBehaviour] = {
    Regime.VANISHING: StepBehaviour.EXPLODING,
    Regime.EXPLODING: StepBehaviour.FREEZING,
    Regime.CONSTANT: StepBehaviour.CONSTANT,
    Regime.ALTERNATING: StepBehaviour.ALTERNATING,
    Regime.OSCILLATING: StepBehaviour.OSCILLATING,
    Regime.ZERO: StepBehaviour.UNDEFINED,
    Regime.UNDECIDED: StepBehaviour.UNDECIDED,
}


@dataclass(frozen=True)
class StepStatement:
    """What is proved about the step for all depths, under a condition on the parameters.

    Parameters
    ----------
    behaviour : what becomes of the step at a fixed residual
    condition : when, as text; "always" where it is so for all parameters
    step : N(x) - x as a function of the depth n where it is known exactly, else None
    bound : q with abs(N(x) - x) >= abs(F(x) - y)/abs(q)**n wherever the product is not 0, else None
    proof : the method
    """

    behaviour: StepBehaviour
    condition: str
    step: Expr | None
    bound: Expr | None
    proof: str

    @property
    def text(self) -> str:
        """The statement as one line."""
        start = f"{self.behaviour.word} where {self.condition}"
        if self.bound is not None:
            return f"{start} and no factor is 0: abs(N(x) - x) >= abs(F(x) - y)/abs({to_text(self.bound)})**n"
        return start if self.step is None else f"{start}: N(x) - x = {to_text(self.step)}"


@dataclass(frozen=True)
class StepRegime:
    """What becomes of Newton's step from one start as layers are added.

    Parameters
    ----------
    behaviour : at a fixed residual, from the regime of the chain product
    product : the regime of the chain product, with the verdict it rests on
    product_rate, residual_rate : slopes of log|∏ f'| and log|F - y| over the second half of the layers, in nats a layer
    exact : what is proved for all depths
    step : the step at the full depth
    depth : how often the chain was applied
    """

    behaviour: StepBehaviour
    product: PointRegime
    product_rate: float
    residual_rate: float
    exact: tuple[StepStatement, ...]
    step: NewtonStep
    depth: int

    @property
    def rate(self) -> float:
        """The measured growth of log|N(x) - x|, the residual included, in nats a layer."""
        return self.residual_rate - self.product_rate + 0.0

    @property
    def rate_at_fixed_residual(self) -> float:
        """Minus the rate of the chain product, in nats a layer."""
        return 0.0 - self.product_rate

    @property
    def verdict(self) -> Verdict:
        """What the behaviour at a fixed residual rests on: that of the product's regime."""
        return self.product.verdict

    @property
    def residual_moves(self) -> bool:
        """Whether the residual grows or vanishes with depth, so that the step does not just invert the product."""
        return not abs(self.residual_rate) <= TOLERANCE

    @property
    def statement(self) -> str:
        """One sentence for a report."""
        if self.behaviour is StepBehaviour.UNDEFINED:
            return f"{self.behaviour.value} ({self.verdict.word})"
        text = (
            f"{self.behaviour.word} at a fixed residual ({self.verdict.word}): log|step| changes by "
            f"{self.rate_at_fixed_residual:.4g} nats a layer, minus the rate of the chain product"
        )
        if not self.residual_moves:
            return text
        return f"{text}; here the residual moves too, and log|step| by {self.rate:.4g} nats a layer in all"


@lru_cache(maxsize=32)
def _product_kernel(composition: Composition) -> Kernel:
    return to_kernel(composition)


def _for_chain(composition: Composition, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    names = {p.name for p in composition.parameters} | set(composition.layered)
    return {str(name): value for name, value in (parameters or {}).items() if str(name) in names}


def step_statements(newton: CompositionNewton, start: Any) -> tuple[StepStatement, ...]:
    """Return what algebra proves about the step for every depth: constant factors, fixed starts, uniform bounds.

    Parameters
    ----------
    newton : from ``newton_of_composition``, a tied chain of one block
    start : the exact start, a number or an expression

    Examples
    --------
    >>> from symgrad.derivation import newton_of_composition
    >>> from symgrad.maps import Map
    >>> rule = newton_of_composition(Map("w*tanh(x)", "x") ** n, "y")
    >>> for statement in step_statements(rule, 0)[:4]:
    ...     print(statement.text)
    exploding where abs(w) < 1 and no factor is 0: abs(N(x) - x) >= abs(F(x) - y)/abs(w)**n
    exploding where 0 < abs(w) < 1: N(x) - x = y/w**n
    freezing where abs(w) > 1: N(x) - x = y/w**n
    constant where w = 1: N(x) - x = y
    """
    composition = newton.composition
    begin = _exact(start)
    if begin is None or one_block(composition) is None:
        return ()
    statements = exact_regimes(composition, [begin])
    if constant_factor(composition) is not None:
        return tuple(StepStatement(BEHAVIOURS[s.regime], s.condition, None, None, s.proof) for s in statements)
    bounded = exact_regimes(composition, None)
    found = [StepStatement(BEHAVIOURS[s.regime], s.condition, None, s.multiplier, s.proof) for s in bounded]
    for statement in statements[len(bounded) :]:
        behaviour, step = BEHAVIOURS[statement.regime], None
        if behaviour is not StepBehaviour.UNDEFINED:
            level = {StepBehaviour.CONSTANT: 1, StepBehaviour.ALTERNATING: -1}.get(behaviour, statement.multiplier)
            step = (newton.target - begin) / sympy.Pow(level, n)
        found.append(StepStatement(behaviour, statement.condition, step, None, statement.proof))
    return tuple(found)


def _exact(start: Any) -> Expr | None:
    """Return the start as an exact number, None where it is none."""
    try:
        value = entered(sympy.Rational(repr(start)) if isinstance(start, float) else start)
    except (InputError, TypeError, ValueError):
        return None
    return None if value.has(sympy.Float) else value


def step_regime(
    newton: CompositionNewton,
    start: Any,
    parameters: Mapping[str, Any] | None = None,
    *,
    depth: int = 200,
    tolerance: float = TOLERANCE,
) -> StepRegime:
    """Return what becomes of Newton's step from one start as layers are added.

    Parameters
    ----------
    newton : from ``newton_of_composition``, of symbolic depth
    start : x, one number
    parameters : name → number
    depth : how many applications are computed, at least 4
    tolerance : in nats per layer, as for ``classify``

    Examples
    --------
    >>> from symgrad.derivation import newton_of_composition
    >>> from symgrad.maps import Map
    >>> rule = newton_of_composition(Map("tanh(w*x)", "x") ** n, "y")
    >>> found = step_regime(rule, 1, {"w": 0.5, "y": 0.1}, depth=200)
    >>> found.behaviour.word, found.verdict.word, round(found.rate, 6)
    ('exploding', 'proved', 0.693147)
    """
    if isinstance(depth, bool) or not isinstance(depth, int) or depth < 4:
        raise InputError(f"the depth must be a whole number from 4 on, got {depth!r}; give e.g. 200")
    if not newton.composition.depth_symbols:
        raise InputError("a regime needs a chain of symbolic depth; repeat the map, e.g. f**n")
    if np.ndim(start) > 0:
        raise InputError("step_regime takes one start; use step_surface for many")
    kernel, known = _product_kernel(newton.composition), _for_chain(newton.composition, parameters)
    outcome = kernel(start, known, depth=depth)
    point = regime_of_outcome(outcome, kernel=kernel, start=start, parameters=known, depth=depth, tolerance=tolerance)
    ends = [composition_newton_step(newton, start, parameters, layers) for layers in (depth // 2, depth)]
    span = depth - depth // 2
    with np.errstate(invalid="ignore"):
        product_rate, residual_rate = (
            float((getattr(ends[1], part).log_abs - getattr(ends[0], part).log_abs) / span)
            for part in ("product", "residual")
        )
    return StepRegime(
        BEHAVIOURS[point.regime],
        point,
        product_rate,
        residual_rate,
        step_statements(newton, start),
        ends[1],
        depth,
    )


@dataclass(frozen=True, eq=False)
class StepSurface:
    """Newton's step on a plane of parameters or starts.

    Parameters
    ----------
    axes : the two axes, or one
    step : the step at every point, shape of the grid
    regimes : the regimes of the chain product on the same grid
    """

    axes: tuple[Axis, ...]
    step: NewtonStep = field(repr=False)
    regimes: RegimeMap = field(repr=False)

    @property
    def log_step(self) -> Array:
        """log|N(x) - x| in nats, nan where there is no step."""
        return self.step.log_step

    @property
    def log_product(self) -> Array:
        """log|∏ f'| in nats."""
        return self.step.product.log_abs

    @property
    def behaviours(self) -> NDArray[np.object_]:
        """The ``StepBehaviour`` at a fixed residual of every point."""
        return np.array([BEHAVIOURS[regime] for regime in tuple(Regime)], dtype=object)[self.regimes.codes]

    def shares(self) -> dict[str, float]:
        """Return the share of each behaviour among the points."""
        shares = self.regimes.shares()
        return {behaviour.word: shares[regime.word] for regime, behaviour in BEHAVIOURS.items()}


def step_surface(
    newton: CompositionNewton,
    *axes: Axis,
    start: Any = None,
    parameters: Mapping[str, Any] | None = None,
    depth: int = 50,
    tolerance: float = TOLERANCE,
) -> StepSurface:
    """Return Newton's step, and where it freezes and explodes, on the grid of the axes.

    Parameters
    ----------
    newton : from ``newton_of_composition``
    axes : parameters of the chain, or its state, that are swept
    start : the start where it is not swept
    parameters : the values of all other names, those of the target included

    Examples
    --------
    >>> from symgrad.derivation import newton_of_composition
    >>> from symgrad.maps import Map
    >>> rule = newton_of_composition(Map("w*tanh(x)", "x") ** n, "y")
    >>> found = step_surface(rule, Axis("w", 0.5, 2, 2), start=0, parameters={"y": 1}, depth=100)
    >>> [behaviour.word for behaviour in found.behaviours], found.log_step.round(3).tolist()
    (['exploding', 'freezing'], [69.315, -69.315])
    """
    composition = newton.composition
    plane = sweep(
        _product_kernel(composition),
        *axes,
        start=start,
        parameters=_for_chain(composition, parameters),
        depth=depth,
        progress=False,
    )
    begin, values = plane.inputs(np.arange(int(np.prod(plane.shape, dtype=int))))
    others = {str(name): value for name, value in (parameters or {}).items() if str(name) not in values}
    flat = composition_newton_step(newton, begin, {**others, **values}, depth)
    return StepSurface(axes, flat.reshaped(plane.shape), classify(plane, tolerance=tolerance))
