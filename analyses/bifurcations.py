"""Where a recurrent unit gains memory: folds, flips and cusps as exact curves, and the cascade of the logistic map."""

from fractions import Fraction
from functools import cache

import numpy as np
import sympy

import symgrad as sg
from symgrad.phenomena import bifurcation_points, exact_attractors, iterated_attractors
from symgrad.phenomena import regions as regions_of
from symgrad.report import Annotation, Line, Panel, Points, Regions, VerticalLine
from symgrad.symbols import b, n, w, x

SIGMOID = sg.Map(w * sg.sigmoid(x) + b, x)
TANH = sg.Map(sg.tanh(w * x + b), x)
LOGISTIC = sg.Map("r*x*(1 - x)", "x")
UNITS = (  # name, unit, half width and height of the plane, a far start, and the cut of the orbit diagram
    ("wσ(x) + b", SIGMOID, 8.0, 6.0, 20.0, 5, (-4.0, -1.0)),
    ("tanh(wx + b)", TANH, 4.0, 3.0, 1.0, 2, (-1.0, 1.0)),
)
LABELS = {0: "one fixed point", 1: "two fixed points", 2: "a 2-cycle", -1: "not settled"}
COLOURS = {0: "sky", 1: "orange", 2: "green", -1: "grey"}


@sg.analysis(
    question="Where does a recurrent unit gain a second memory, and where does it begin to flip?",
    reference=(
        "Bengio, Simard & Frasconi (1994), Learning long-term dependencies with gradient descent is difficult, IEEE "
        "Trans. Neural Networks 5:157; Kuznetsov (2004), Elements of Applied Bifurcation Theory, chapter 4; Strogatz "
        "(2015), Nonlinear Dynamics and Chaos, chapter 10"
    ),
)
def bifurcations(scale: sg.Scale) -> sg.Report:
    """Between two fold curves that meet in a cusp it has two attractors: at (w, b) = (4, -2) for the sigmoid unit.

    The curves are exact. For tanh(wx + b) the cusp is (1, 0) and the fold is Bengio's latching threshold.
    """
    units = UNITS[:1] if scale.quick else UNITS
    return sg.Report(*planes(units, scale), *latching(), *orbit_diagrams(units, scale), *cascade(scale))


def window(layer, width, height, count):
    """Return the axes of a plane and the number of attractors: exact codes, codes by iteration, and multipliers."""
    ws, bs = np.linspace(-width, width, count), np.linspace(-height, height, count)
    values = dict(zip(("w", "b"), np.meshgrid(ws, bs, indexing="ij"), strict=True))
    return ws, bs, exact_attractors(layer, values), *iterated_attractors(layer, values, steps=5000)


@cache
def exact_bifurcations(layer):
    """Return the exact curves and points of a unit."""
    return sg.find_bifurcations(layer, ["w", "b"])


def curve_lines(layer, width, height):
    """Return the exact curves of a unit inside the window, as lines."""
    found, lines = exact_bifurcations(layer), []
    for curve, colour in zip(found.curves, ("vermillion", "black"), strict=False):
        inside = np.linspace(float(max(curve.low, -50)), float(min(curve.high, 50)), 4003)[1:-1]
        xs, ys = (evaluated(curve.expressions[name], curve.parameter, inside) for name in ("w", "b"))
        outside = (np.abs(xs) > 1.2 * width) | (np.abs(ys) > 1.2 * height)
        xs[outside] = ys[outside] = np.nan
        lines.append(Line(xs, ys, f"{curve.kind} (exact)", colour=colour))
    cusps = [point for point in found.points if point.kind == "cusp"]
    for point in cusps:
        exact = point.values["w"], point.values["b"]
        lines.append(Points([float(exact[0])], [float(exact[1])], f"cusp {exact} (exact)", colour="purple", size=9))
    return found, lines


def evaluated(expr, symbol, values):
    """Return an expression of one symbol on an array."""
    with np.errstate(all="ignore"):
        return sympy.lambdify(symbol, expr, modules="numpy")(values) * np.ones_like(values)


def planes(units, scale: sg.Scale):
    """Return both planes with their exact curves on the numerical map, and how often the two disagree."""
    panels, rows, statements = [], [], []
    for name, layer, width, height, *_ in units:
        ws, bs, exact, iterated, multiplier = window(layer, width, height, scale.points - 1)
        found, lines = curve_lines(layer, width, height)
        panels.append(
            Panel(
                [Regions(ws, bs, iterated, LABELS, colours=COLOURS), *lines],
                "$w$",
                "$b$",
                f"${latex_of(layer)}$",
                legend="below",
            )
        )
        near = np.abs(np.abs(multiplier) - 1) < 0.01
        differ = exact != iterated
        rows.append((name, exact.size, int(differ.sum()), int((differ & ~near).sum())))
        for curve in found.curves:
            equations = f"`w = {curve.expressions['w']}`, `b = {curve.expressions['b']}`"
            statements.append((name, curve.kind, equations, f"`{curve.domain}`", curve.verdict.word))
        for point in bifurcation_points(found).points:
            equations = f"`w = {point.exact['w']}`, `b = {point.exact['b']}`"
            statements.append((name, point.kind, equations, "", point.verdict.word))
    counted = [
        (name, f"`{region.condition}`", region.kind, region.verdict.word)
        for name, layer, *_ in units
        for region in regions_of(layer)
        if " or " not in region.condition
    ]
    return (
        sg.Figure(
            panels,
            "Attractors found by iterating two starts 5000 times (colours) under the exact fold and flip curves "
            "(lines). The curves are computed from one linear solve of f(x) = x, f′(x) = ±1, not from the colours.",
            columns=len(panels),
            size=(10.5, 6.8),
        ),
        sg.Table(
            ("unit", "kind", "exact curve or point", "for", "verdict"), statements, "Each put back into the unit."
        ),
        sg.Table(
            ("unit", "region", "attractors", "verdict"),
            counted,
            "What attracts where; everywhere else one fixed point attracts every start.",
        ),
        sg.Table(
            ("unit", "grid points", "exact and iterated differ", "of them not within 1 % of multiplier ±1"),
            rows,
            "Where the exact regions and the iteration disagree both are reported, never averaged.",
        ),
    )


def latex_of(layer):
    """Return a map's formula for a title."""
    return sympy.latex(layer.expr)


def latching():
    """Return Bengio's latching threshold as the fold of a = w tanh(a) + h, and the claim that proves it."""
    threshold = "sqrt(w*(w - 1)) - log(sqrt(w) + sqrt(w - 1))"
    state = "log(sqrt(w) + sqrt(w - 1))"
    slope = sg.Claim(f"w*(1 - tanh({state})**2) = 1 where w > 1")
    fixed = sg.Claim(f"-w*tanh({state}) + ({threshold}) = -({state}) where w > 1")
    return (
        sg.Text(
            "Bengio's latching unit $a \\mapsto w\\tanh a + h$ keeps a bit as long as $|h|$ is below the fold. At "
            "$a = -\\log(\\sqrt w + \\sqrt{w-1})$ the unit is fixed and its slope is 1:"
        ),
        fixed.examine(),
        slope.examine(),
        sg.Formula(r"h^* = \sqrt{w(w-1)} - \log(\sqrt w + \sqrt{w-1})", "the latching threshold"),
    )


def orbit_diagrams(units, scale: sg.Scale):
    """Return the attracting states over b at fixed w, from two starts, with the exact folds marked."""
    panels = []
    for _, layer, _, _, far, weight, span in units:
        biases = np.linspace(*span, 4 * scale.points)
        starts = np.array([[-far], [far]])
        kernel = sg.to_kernel(layer**n)
        states = kernel(starts, {"w": float(weight), "b": biases[None, :]}, depth=1000).state[0]
        folds = crossing_folds(layer, weight)
        panels.append(
            Panel(
                [
                    Points(biases, states[0], "from far below", colour="blue", size=2.9),
                    Points(biases, states[1], "from far above", colour="vermillion", size=1.6),
                    *[VerticalLine(value, "fold (exact)" if i == 0 else "") for i, value in enumerate(folds)],
                ],
                f"$b$  (at $w = {weight}$)",
                "attracting state",
                f"${latex_of(layer)}$",
                legend="below",
            )
        )
    return (
        sg.Figure(
            panels,
            "Between the two exact folds the state after 1000 steps depends on where the unit started: it remembers "
            "one bit. Outside it forgets.",
            columns=len(panels),
        ),
    )


def crossing_folds(layer, weight):
    """Return the biases at which the fold curve crosses a line of constant w."""
    crossings = bifurcation_points(exact_bifurcations(layer), {"w": Fraction(weight)})
    return [found.point["b"] for found in crossings.points if found.kind == "fold"]


def cascade(scale: sg.Scale):
    """Return the logistic map's orbit diagram with the exact parameters of periods 1 to 4."""
    rates = np.linspace(2.8, 4.0, 4 * scale.points)
    state = np.full_like(rates, 0.4)
    kernel = sg.to_kernel(LOGISTIC**n)
    state = kernel(state, {"r": rates}, depth=600).state[0]
    shown = []
    step = sg.to_kernel(LOGISTIC)
    for _ in range(32 if scale.quick else 96):
        state = step(state, {"r": rates}).state[0]
        shown.append(state)
    rows, marks = [], []
    for period in range(1, 3 if scale.quick else 5):
        for point in sg.find_bifurcations(LOGISTIC, ["r"], period=period).points:
            value = float(point.values["r"])
            if 2.8 <= value <= 4:
                rows.append((period, point.kind, f"`{point.values['r']}`", f"{value:.12f}"))
                marks.append(value)
    heights = np.concatenate(shown)
    return (
        sg.Figure(
            Panel(
                [
                    Points(np.tile(rates, len(shown)), heights, "orbit after 600 steps", colour="blue", size=0.5),
                    *[VerticalLine(r, "exact bifurcation" if i == 0 else "") for i, r in enumerate(sorted(marks))],
                    Annotation("3 steps", 1 + 2 * np.sqrt(2), 0.05, offset=(-70, 4)),
                ],
                "$r$",
                "$x$",
                "$r x (1 - x)$",
                xlim=(2.8, 4.0),
                legend="below",
            ),
            "The cascade of the logistic map. Dashed: the exact parameters at which cycles of period 1 to 4 are born "
            "or lose stability.",
        ),
        sg.Table(("period", "kind", "exact r", "decimal"), rows, "Roots of the multiplier polynomials of the cycles."),
    )
