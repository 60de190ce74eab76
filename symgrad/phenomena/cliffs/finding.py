"""The cliffs of a loss surface over two parameters: one entry for tied, driven and untied chains and deep products."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
from sympy import Expr, Integer, Rational, Symbol

from symgrad.certify import NotCovered, gradient_supremum
from symgrad.derivation import Gradient, gradient
from symgrad.derivation.equilibria import one_block
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.kernels import to_kernel
from symgrad.maps import Block, Composition, Map, as_composition, entered
from symgrad.phenomena.cliffs.cliff_map import Cliff, CliffMap, Coverage, LargestGradient, Steepness
from symgrad.phenomena.cliffs.completeness import coverage, schwarzian_evidence
from symgrad.phenomena.cliffs.step_field import KAPPA, CliffRegions, cliff_regions
from symgrad.phenomena.cliffs.tied_cliffs import TiedAnswer, TiedProblem, tied_cliffs
from symgrad.phenomena.cliffs.windows import Window, read_window
from symgrad.sweeps import sweep
from symgrad.symbols import n

if TYPE_CHECKING:
    from symgrad.phenomena.cliffs.laps import Laps

GRID_WORK = 3_000_000
FEWEST_POINTS, MOST_POINTS = 21, 151
TOLERANCE = 0.01
MOST_CERTIFIED_DEPTH = 2000
TO_BE_RESOLVED, MOST_CELLS, FEW_CELLS = 1000, 120_000, 20_000


def find_cliffs(
    composition: Map | Composition,
    loss: Expr | str,
    start: Any,
    box: Mapping[Any, Any],
    depth: int | None = None,
    *,
    parameters: Mapping[str, Any] | None = None,
    kappa: float = KAPPA,
) -> CliffMap:
    """Return the cliffs of a loss surface in a box of two parameters, and whether one can have been missed.

    Parameters
    ----------
    composition : the layers; a single map or a chain of depth 1 or symbolic depth is applied ``depth`` times
    loss : an expression of the last state and of parameters
    start : x₀, one exact number for each component (a float is read as the decimal it prints as)
    box : two of the parameters → (low, high), (low, high, count) or an ``Axis``
    depth : how often the chain is applied; None for the composition's own literal depth
    parameters : the values of the others, those with a value per layer as one for each application
    kappa : by how much a step tuned to the valley must overshoot in a cliff region, above 1

    Raises
    ------
    InputError : a missing or unknown parameter, a loss that does not depend on the state, a depth below 1, inputs of
        the wrong length, several components with values per layer

    Examples
    --------
    >>> box = {"w": (4, 8), "b": (-6, -1)}
    >>> found = find_cliffs(Map("w*sigmoid(x) + b", "x"), "(sigmoid(x) - 0.7)**2", "1/2", box, 50)
    >>> for cliff in found.cliffs:
    ...     print(cliff.kind.word, "|", cliff.origin.value, "|", cliff.valid, "|", cliff.verdict.word)
    wall | basin line | w > 4.2552519304127616 | proved
    wall | fold | 4 < w < 4.2552519304127616 | proved
    >>> found.coverage.method
    'certified'
    """
    window = read_window(box)
    given = {str(name): value for name, value in (parameters or {}).items()}
    chain = _bound_chain(as_composition(composition), window, given)
    whole = _at_depth(chain, depth)
    _check(whole, window, given)
    outer = _loss(loss, whole, window, given)
    begin = _start(start, whole.dimension)
    layered = {name: given[name] for name in whole.layered}
    if isinstance(begin, tuple):
        return _vector(whole, outer, begin, window, kappa)
    from symgrad.phenomena.cliffs.product_cliffs import product_cliffs  # each kind is imported when it is met

    product = product_cliffs(whole, outer, begin, window, layered, kappa=kappa)
    if product is not None:
        target = gradient(whole, outer, wrt=window.names)
        surface, _ = _surface(target, begin, window, layered, product.depth, kappa)
        return replace(product, surface=surface)
    block = one_block(whole)
    if block is not None and not block.layered:
        return _tied(whole, outer, begin, window, kappa)
    return _driven(whole, outer, begin, window, layered, kappa)


def _bound_chain(chain: Composition, window: Window, given: Mapping[str, Any]) -> Composition:
    """Put the exact values of shared parameters into the layers."""
    for name in window.names:
        if name in given:
            raise InputError(f"{name} is swept and has a value as well; leave it out of the values")
        if name in {s.name for s in chain.state}:
            raise InputError(
                f"{name} is the state, whose start is one number here; sweep two parameters, and give it with start"
            )
    shared = {p.name for p in chain.parameters}
    values = {Symbol(name, real=True): _exact(name, given[name]) for name in sorted(shared & set(given))}
    if not values:
        return chain
    blocks = [
        Block(tuple(Map([e.xreplace(values) for e in m.exprs], m.state, domain=m.domain) for m in b.body), b.depth)
        for b in chain.blocks
    ]
    return Composition(tuple(blocks))


def _exact(name: str, value: Any) -> Expr:
    """Return a number exactly; a float as the decimal it prints as."""
    if isinstance(value, float | np.floating):
        value = Fraction(repr(float(value))) if math.isfinite(value) else None
    number = None if value is None or np.ndim(value) or isinstance(value, bool) else entered(_plain(value))
    if number is None or not number.is_number or number.is_real is not True:
        raise InputError(f"{name} needs one finite number, got {str(value)[:40]!r}; give e.g. 0.5")
    return number


def _plain(value: Any) -> Any:
    return Rational(value) if isinstance(value, Fraction | int) else value


def _at_depth(chain: Composition, depth: int | None) -> Composition:
    """Return the chain at its literal depth."""
    if depth is None:
        return chain.at_depth(None)
    if isinstance(depth, bool) or not isinstance(depth, int | Integer) or depth < 1:
        raise InputError(f"the depth must be a positive whole number, got {depth!r}; give e.g. 50")
    if chain.depth_symbols:
        return chain.at_depth(int(depth))
    if chain.depth == 1 and len(chain.blocks) == 1:
        return chain ** int(depth)
    if len(chain.blocks) == 1 and chain.depth != depth:
        raise InputError(f"the composition has depth {chain.depth}, not {depth}; give one of them")
    return chain


def _check(chain: Composition, window: Window, given: Mapping[str, Any]) -> None:
    known = {p.name for p in chain.parameters} | set(chain.layered)
    for name in window.names:
        if name in chain.layered:
            raise InputError(
                f"{name} has a value per layer; tie the layers to a swept name with a slice, e.g. u=w[1..3]"
            )
    missing = sorted(known - set(window.names) - set(given))
    if missing:
        raise InputError(f"{', '.join(missing)} has no value; sweep it or give it one, e.g. {missing[0]}=1")
    for name in chain.layered:
        value = given[name]
        layers = max(int(b.depth) for b in chain.blocks if any(name in m.layered for m in b.body))
        if np.ndim(value) != 1 or len(value) != layers:
            count = "one number" if np.ndim(value) == 0 else f"{len(value)} values"
            raise InputError(f"{name} has one value per layer, {layers} in all, got {count}; give a list of {layers}")


def _loss(loss: Expr | str, chain: Composition, window: Window, given: Mapping[str, Any]) -> Expr:
    expr = entered(loss)
    values = {s: _exact(s.name, given[s.name]) for s in expr.free_symbols if s.name in given}
    expr = expr.xreplace(values)
    if not set(chain.state) & expr.free_symbols:
        raise InputError(
            f"the loss {expr} does not depend on the state {chain.state[0]}; give e.g. ({chain.state[0]}-1)**2"
        )
    names = {s.name for s in (*chain.state, *chain.parameters)} | set(window.names)
    if others := sorted(s.name for s in expr.free_symbols if s.name not in names):
        raise InputError(f"the loss contains {others[0]}, which has no value; give it one")
    for name in window.names:
        if name not in {p.name for p in chain.parameters} and Symbol(name, real=True) not in expr.free_symbols:
            raise InputError(f"{name} occurs in neither the layers nor the loss; sweep a parameter that does")
    return expr


def _start(start: Any, components: int) -> Any:
    """Return the exact start: one number, or a tuple of one for each of several components."""
    given = tuple(start) if np.ndim(start) == 1 and not isinstance(start, str) else (start,)
    if len(given) != components:
        raise InputError(f"the start has {len(given)} numbers for a state of {components}; give one for each component")
    exact = tuple(entered(v) if isinstance(v, str) else _exact("the start", v) for v in given)
    return exact if components > 1 else exact[0]


def _vector(chain: Composition, loss: Expr, start: tuple[Expr, ...], window: Window, kappa: float) -> CliffMap:
    """Answer for a tied chain of several components: located cliffs, sampled."""
    if len(chain.blocks) > 1 or chain.layered:
        raise InputError(
            f"cliffs of {chain.dimension} components are located for one repeated chain without values per layer; "
            "repeat one chain, or sweep its loss with cliff_regions"
        )
    depth = int(chain.depth)
    target = gradient(Composition((Block(chain.blocks[0].body, Integer(1)),)) ** n, loss, wrt=window.names)
    from symgrad.phenomena.cliffs.vector_cliffs import vector_cliffs

    cliffs, evidence = vector_cliffs(TiedProblem(target, start, window, depth))
    covered = Coverage(
        Verdict.SAMPLED,
        "Sampled: the cliffs were located by bracketing changes of fate on lines; others may exist between the lines, "
        "and pairs of changes between two samples of a line go unseen.",
    )
    surface, swept = _surface(target, start, window, {}, depth, kappa)
    largest = _largest_seen(cliffs, swept, window)
    return CliffMap(
        chain,
        loss,
        start,
        depth,
        window,
        cliffs,
        largest,
        covered,
        regions=swept,
        surface=surface,
        evidence=evidence,
    )


def _tied(chain: Composition, loss: Expr, start: Expr, window: Window, kappa: float) -> CliffMap:
    """Answer for a tied chain of one unit."""
    depth = int(chain.depth)
    body = Composition((Block(chain.blocks[0].body, Integer(1)),))
    target = gradient(body**n, loss, wrt=window.names)
    laps: tuple[Laps, ...] = ()
    if schwarzian_evidence(chain) is None:
        laps = _laps(body, start, window)
    rough = any(found.growth.name == "EXPONENTIAL" for found in laps)
    problem = TiedProblem(target, start, window, depth)
    found = tied_cliffs(problem, rough=rough)
    covered = coverage(chain, window.box, {}, along=window.names[1], listed=found.listed, laps=laps)
    surface, swept = _surface(target, start, window, {}, depth, kappa)
    largest = _largest(problem, found, swept)
    return CliffMap(
        chain,
        loss,
        start,
        depth,
        window,
        found.cliffs,
        largest,
        covered,
        ridges=found.ridges,
        regions=swept,
        surface=surface,
        remarks=found.remarks,
    )


def _laps(body: Composition, start: Expr, window: Window) -> "tuple[Laps, ...]":
    """Count monotone laps on the middle line of the box, for chains without a proof."""
    from symgrad.phenomena.cliffs.laps import count_laps

    first, second = window.names
    middle = float(window.low[0] + window.high[0]) / 2
    low, high = float(window.low[1]), float(window.high[1])
    return (count_laps(body, float(sympy.N(start, 20)), second, low, high, {first: middle}),)


def _surface(
    target: Gradient, start: Any, window: Window, values: Mapping[str, Any], depth: int, kappa: float
) -> tuple[Steepness | None, CliffRegions | None]:
    """Return the steepness on as fine a grid as the depth allows, and the regions in which a tuned step overshoots."""
    points = int(min(MOST_POINTS, math.sqrt(GRID_WORK / depth)))
    if points < FEWEST_POINTS:
        return None, None
    swept = sweep(
        to_kernel(target),
        *window.axes(points),
        start=[float(sympy.N(v, 20)) for v in start] if isinstance(start, tuple) else float(sympy.N(start, 20)),
        parameters=dict(values),
        depth=depth if target.composition.depth_symbols else None,
        progress=False,
    )
    try:
        found = cliff_regions(swept, ratio=kappa)
    except InputError:
        return None, None
    heights = np.where(np.isfinite(found.log_gradient), found.log_gradient, np.nan)
    return Steepness(found.axes, heights), found


def _largest(problem: TiedProblem, found: TiedAnswer, swept: CliffRegions | None) -> LargestGradient:
    """Return the largest gradient known: certified from both sides where the layers are covered."""
    best = _largest_seen(found.cliffs, swept, problem.window)
    if problem.depth > MOST_CERTIFIED_DEPTH:
        return best
    lines = [
        c.curve for c in found.cliffs if c.curve is not None and c.origin.value == "basin line" and c.curve.period == 1
    ]
    line = {lines[0].solved: lines[0].expressions[lines[0].solved]} if lines and not lines[0].parametric else None
    try:
        bound = gradient_supremum(
            problem.target,
            problem.window.box,
            start=problem.start,
            depth=problem.depth,
            line=line,
            tolerance=TOLERANCE,
            most_cells=MOST_CELLS if problem.depth <= TO_BE_RESOLVED else FEW_CELLS,
        )
    except NotCovered:
        return best
    if not math.isfinite(bound.log_upper):
        return best
    return LargestGradient(dict(bound.point), bound.log_lower, bound.log_upper, bound.verdict, bound.statement)


def _largest_seen(cliffs: Sequence[Cliff], swept: CliffRegions | None, window: Window) -> LargestGradient:
    """Return the largest gradient among grid points and the places of the traces."""
    point: Mapping[str, float] = {name: float(low) for name, low in zip(window.names, window.low, strict=True)}
    height, verdict = -math.inf, Verdict.UNDECIDED
    statement = "No gradient was computed: the depth is beyond the grid and no cliff has a value on it."
    if swept is not None:
        point, height, verdict = swept.largest, swept.largest_log_gradient, Verdict.SAMPLED
        statement = "The largest gradient at the points of a grid; between them it may be larger."
    for cliff in cliffs:
        steepest = cliff.steepest
        if steepest is not None and steepest.log_gradient > height:
            height, point, verdict = steepest.log_gradient, steepest.point, Verdict.SAMPLED
            statement = "The largest gradient on the cliffs examined and on a grid; elsewhere it may be larger."
    return LargestGradient(dict(point), height, None, verdict, statement)


def _driven(
    chain: Composition, loss: Expr, start: Expr, window: Window, layered: Mapping[str, Any], kappa: float
) -> CliffMap:
    """Answer for a driven or untied chain of one unit."""
    target = gradient(chain, loss, wrt=window.names)
    depth = sum(int(block.depth) for block in chain.blocks)
    from symgrad.phenomena.cliffs.driven_cliffs import DrivenProblem, driven_cliffs

    cliffs, remarks = driven_cliffs(DrivenProblem(target, start, layered, window))
    covered = coverage(chain, window.box, {}, along=window.names[1], listed=False)
    if remarks and covered.method == "certified":
        covered = Coverage(Verdict.SAMPLED, f"Sampled: {remarks[0]}", covered.evidence)
    surface, swept = _surface(target, start, window, layered, depth, kappa)
    largest = _largest_seen(cliffs, swept, window)
    return CliffMap(
        chain,
        loss,
        start,
        depth,
        window,
        cliffs,
        largest,
        covered,
        regions=swept,
        surface=surface,
        remarks=remarks,
    )
