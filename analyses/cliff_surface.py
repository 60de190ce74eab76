"""The loss surface of a one-unit recurrent network, its wall, and what plain and clipped descent do there."""

import numpy as np
import sympy

import symgrad as sg
from symgrad.derivation import fixed_start
from symgrad.report import Annotation, Contours, Heatmap, HorizontalLine, Line, Panel, SpaceCurve, Surface, Trajectory
from symgrad.symbols import b, n, w, x

DEPTH = 50
START = sympy.Rational(1, 2)
TARGET = sympy.Rational(7, 10)
UNIT = sg.Map(w * sg.sigmoid(x) + b, x)
LOSS = (sg.sigmoid(x) - TARGET) ** 2
GRADIENT = sg.gradient(UNIT**n, LOSS, wrt=(w, b))
LINE = fixed_start(UNIT, START).solved["b"]
LOG10 = np.log(10.0)


def log10_norm(outcome):
    """Return log10 of the gradient's Euclidean norm, whatever its size."""
    return 0.5 * np.logaddexp(*(2 * outcome.gradient[name].log_abs for name in ("w", "b"))) / LOG10


def height_on_the_line(weights):
    """Return log10 of the gradient's norm on the basin line, by the geometric sum of the constant multiplier."""
    multiplier = UNIT.jacobian[0][0].subs(x, START)
    slope = sg.differentiate(LOSS, x).subs(x, START)
    norm = sympy.Abs(slope) * sympy.sqrt(1 + sg.sigmoid(START) ** 2) * (multiplier**DEPTH - 1) / (multiplier - 1)
    return np.log10(sympy.lambdify(w, norm.rewrite(sympy.exp), modules="numpy")(weights))


def line_table(kernel):
    """Compare the geometric sum with a 30-digit run on the exact line."""
    rows = []
    for weight in (sympy.Rational(9, 2), sympy.Integer(5), sympy.Integer(6), sympy.Integer(8)):
        on_line = kernel(START, {"w": weight, "b": LINE.subs(w, weight)}, depth=DEPTH)
        derivative = on_line.gradient["b"]
        rows.append(
            (
                str(weight),
                f"{float(LINE.subs(w, weight)):.10f}",
                f"{on_line.digits['gradient b'][:16]}",
                f"{float(derivative.log_abs) / LOG10:.6f}",
            )
        )
    return rows


@sg.analysis(
    question="Where does one gradient step throw a recurrent unit's parameters far away?",
    reference=(
        "Pascanu, Mikolov & Bengio (2013), On the difficulty of training recurrent neural networks, ICML, "
        "section 2.3 and figure 6, Algorithm 1 (arXiv 1211.5063)"
    ),
)
def cliff_surface(scale: sg.Scale) -> sg.Report:
    """At the wall over the line b = 1/2 - w sigma(1/2), w > 4.2553: there the start is a repelling fixed point.

    The gradient grows like (w sigma'(1/2))^T, so that a plain step lands far outside while a clipped one passes.
    """
    kernel = sg.to_kernel(GRADIENT)
    axes = sg.Axis(w, 4, 8, scale.points), sg.Axis(b, -6, -1, scale.points)
    surface = sg.sweep(kernel, *axes, start=0.5, depth=DEPTH)
    ws, bs = (axis.values for axis in axes)
    loss, steep = surface.outcome.loss.value, log10_norm(surface.outcome)
    repelling = np.linspace(4.2553, 8, 200)
    line_of = sympy.lambdify(w, LINE, modules=[{"sigmoid": lambda v: 1 / (1 + np.exp(-v))}, "numpy"])
    return sg.Report(
        sg.Formula(r"x_{t+1} = w\,\sigma(x_t) + b,\quad x_0 = \tfrac12,\quad L = (\sigma(x_{50}) - 0.7)^2", "one unit"),
        surface_figure(ws, bs, loss, steep, repelling, line_of(repelling)),
        *the_wall(kernel, surface, ws, steep),
        *the_descent(kernel, ws, bs, loss, repelling, line_of(repelling), scale),
    )


def surface_figure(ws, bs, loss, steep, line_w, line_b):
    """Return the surface in space and its steepness from above, with the exact line on both."""
    height = np.full_like(line_w, float(LOSS.subs(x, START)))
    inside = line_b >= bs[0]
    return sg.Figure(
        [
            Panel(
                [
                    Surface(ws, bs, loss, elevation=30, azimuth=40),
                    SpaceCurve(line_w[inside], line_b[inside], height[inside] + 0.004, "basin line (exact)"),
                ],
                "$w$",
                "$b$",
                "the loss after 50 steps",
                zlabel="$L$",
            ),
            Panel(
                [
                    Heatmap(ws, bs, steep, r"$\log_{10}\,\Vert\nabla L\Vert$", low=-3, high=1),
                    Line(line_w, line_b, "basin line (exact)", colour="vermillion", stroke="dashed"),
                ],
                "$w$",
                "$b$",
                "how steep it is",
            ),
        ],
        "The loss surface and the size of its gradient. Two plateaus meet in a wall; the wall stands on the straight "
        r"line $b = \frac12 - w\,\sigma(\frac12)$, computed from the formula and not from the picture.",
        alt="Loss surface of the one-unit recurrent network with a vertical wall, and a map of its gradient's size.",
        columns=2,
    )


def the_wall(kernel, surface, ws, steep):
    """Return the exact statements about the wall, a cut through it, and what a grid sees of it."""
    power = sg.Claim("(m**(n + 1) - 1)/(m - 1)", "=", "m*(m**n - 1)/(m - 1) + 1", symbols={"n": n})
    fixed = sg.Claim(f"w*sigmoid(1/2) + ({LINE}) = 1/2")
    regions = sg.cliff_regions(surface)
    exact_w = np.linspace(4.3, 8, 60)
    cut_b = np.linspace(-2.75, -2.45, 801)
    cut = kernel(0.5, {"w": 5.0, "b": cut_b}, depth=DEPTH)
    on_line = float(LINE.subs(w, 5))
    exact_height = sg.to_kernel(GRADIENT, digits=30)(START, {"w": 5, "b": LINE.subs(w, 5)}, depth=DEPTH)
    top = float(exact_height.gradient["b"].log_abs) / LOG10
    figure = sg.Figure(
        [
            Panel(
                [
                    Line(cut_b, cut.gradient["b"].log_abs / LOG10, "801 samples"),
                    HorizontalLine(top, f"on the exact line: {10**top:.2f}", colour="vermillion"),
                    Annotation("the wall", on_line, top, offset=(28, -18)),
                ],
                "$b$  (at $w = 5$)",
                r"$\log_{10}\,|\partial L/\partial b|$",
                "a cut through the wall",
                legend="below",
            ),
            Panel(
                [
                    Line(ws, steep.max(axis=1), "largest on the grid"),
                    Line(exact_w, height_on_the_line(exact_w), "on the exact line", colour="vermillion"),
                ],
                "$w$",
                r"$\log_{10}\,\Vert\nabla L\Vert$",
                "what a grid sees of it",
                legend="below",
            ),
        ],
        f"Left: the cut at w = 5. Right: the largest gradient over b, on a grid of {len(ws)} × {len(ws)} points and on "
        "the exact line. Where the wall is thinner than a cell the grid misses its height by orders of magnitude. "
        "Close beside the line the gradient is larger still: its value on the line bounds the height from below.",
        columns=2,
    )
    return (
        sg.Text(
            "On this line the start is a fixed point of the unit, so the orbit never moves and every factor of the "
            r"chain product equals $\mu = w\,\sigma'(\frac12)$. The sensitivity $s \mapsto \mu s + 1$ then sums to "
            r"$(\mu^T - 1)/(\mu - 1)$, which explodes for $\mu > 1$:"
        ),
        fixed.examine(),
        power.examine(),
        sg.Table(
            ("w", "b on the line", "∂L/∂b at T = 50", "log10 of its size"),
            line_table(sg.to_kernel(GRADIENT, digits=30)),
            "On the exact line, in 30-digit arithmetic whose digits agree at two working precisions.",
        ),
        figure,
        sg.Text(
            f"Cells whose tuned step is more than {regions.kappa:g} times shorter than on the valley floor form "
            f"{len(regions.regions)} connected cliff region(s) with {sum(r.area for r in regions.regions):.2%} of the "
            f"box. {regions.statement}"
        ),
    )


def the_descent(kernel, ws, bs, loss, line_w, line_b, scale):
    """Return plain and clipped descent from one start before the wall, side by side."""
    at, steps = {"w": 5.0, "b": -2.7}, 50 if scale.quick else 120
    near = sg.Axis(w, 4.6, 5.4, scale.points), sg.Axis(b, -2.9, -2.3, scale.points)
    close = sg.sweep(kernel, *near, start=0.5, depth=DEPTH).outcome.loss.value
    plain = sg.to_kernel(sg.gradient_step(GRADIENT, eta="1/100"))(at, 0.5, depth=DEPTH, steps=steps)
    clipped = sg.to_kernel(sg.clipped_step(GRADIENT, eta="1/100", threshold=1))(at, 0.5, depth=DEPTH, steps=steps)
    panels = []
    for title, path, window, levels in (
        ("plain gradient steps", plain, ((3.5, 12.8), (-6.5, 9.5)), (ws, bs, loss)),
        ("clipped at norm 1", clipped, ((4.6, 5.4), (-2.9, -2.3)), (near[0].values, near[1].values, close)),
    ):
        xs, ys = path.positions.T
        panels.append(
            Panel(
                [
                    Contours(*levels, (0.01, 0.1, 0.2, 0.3, 0.4), colour="grey"),
                    Line(line_w, line_b, "basin line (exact)", colour="vermillion", stroke="dashed"),
                    Trajectory(xs, ys, "descent", colour="blue"),
                ],
                "$w$",
                "$b$",
                title,
                xlim=window[0],
                ylim=window[1],
                legend="below",
            )
        )
    rows = [
        (name, f"{path.lengths.max():.4g}", f"{np.linalg.norm(path.positions[-1] - path.positions[0]):.2g}")
        for name, path in (("plain", plain), ("clipped", clipped))
    ]
    return (
        sg.Figure(
            panels,
            f"{steps} steps of size 0.01 from (5, −2.7). The plain step that meets the wall leaves the valley for "
            "good; clipped, the same step is short and the descent goes on along the wall. Grey: levels of the loss.",
            columns=2,
        ),
        sg.Table(
            ("rule", "longest step", "distance between start and end"),
            rows,
            f"Measured in float64 along the two paths of the figure, from a loss of {plain.losses[0]:.4f}. The clipped "
            "one crosses the wall again and again; on which side it is after a given step hangs on the last bit.",
        ),
    )
