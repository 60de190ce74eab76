"""What a wall does to gradient descent: catapults, what clipping changes and what it does not, and the exact toy."""

import numpy as np
import sympy

import symgrad as sg
from symgrad.derivation import fixed_start, two_number_map
from symgrad.phenomena.descent.advice import largest_safe_step, smallest_crossing_threshold
from symgrad.phenomena.descent.catapults import DEFINITION
from symgrad.phenomena.descent.curvature import edge_of_stability, sharpness
from symgrad.phenomena.descent.diagrams import descent_diagram
from symgrad.phenomena.descent.endings import ENDS, PathEnd, ends_of
from symgrad.phenomena.descent.paths import descend
from symgrad.report import Heatmap, HorizontalLine, Line, Panel, Points, Trajectory
from symgrad.symbols import b, n, w, x

DEPTH = 50
START = sympy.Rational(1, 2)
UNIT = sg.Map(w * sg.sigmoid(x) + b, x)
LOSS = (sg.sigmoid(x) - sympy.Rational(7, 10)) ** 2
GRADIENT = sg.gradient(UNIT**n, LOSS, wrt=(w, b))
LINE = fixed_start(UNIT, START).solved["b"]
BOX = {"w": (2.0, 10.0), "b": (-7.0, 2.0)}
GOAL = 5e-3
SEED, STARTS = 0, 40
SAME = {"start": 0.5, "depth": DEPTH, "box": BOX}
LOG10 = np.log(10.0)
PLAIN_AND_CLIPPED = np.array([[np.inf], [1.0]])


@sg.analysis(
    question="What does a wall in the loss surface do to descent, and what does clipping change?",
    reference=(
        "Pascanu, Mikolov & Bengio (2013), ICML, section 2.3 and Algorithm 1 (arXiv 1211.5063); Lewkowycz et al. "
        "(2020), arXiv 2003.02218; Cohen et al. (2021), arXiv 2103.00065; Polyak (1964)"
    ),
)
def catapult(scale: sg.Scale) -> sg.Report:
    """Clipping does not keep descent from crossing the wall, nor the loss from rising there: it keeps it near.

    The starts that an unclipped step throws out of the box stay beside the wall, cross it again and again, and end
    with a far lower loss.
    """
    return sg.Report(
        sg.Formula(r"x_{t+1} = w\,\sigma(x_t) + b,\quad x_0 = \tfrac12,\quad L = (\sigma(x_{50}) - 0.7)^2", "one unit"),
        *two_paths(scale),
        *the_same_starts(scale),
        *the_diagram(scale),
        *([] if scale.quick else the_advice()),
        *three_steps_on_the_wall(scale),
        *([] if scale.quick else along_the_edge()),
        *the_exact_toy(scale),
    )


def line_at(weights):
    """Return b on the exact line b = 1/2 - w σ(1/2)."""
    return sympy.lambdify(w, LINE, modules=[{"sigmoid": lambda v: 1 / (1 + np.exp(-v))}, "numpy"])(weights)


def two_paths(scale: sg.Scale):
    """Return two starts, plain and clipped, over the surface and the exact line."""
    steps = 20 if scale.quick else 40
    starts = {"w": np.array([5.0, 4.6]), "b": np.array([-2.7, -2.2])}
    run = descend(GRADIENT, starts, step_size=0.03, clip=PLAIN_AND_CLIPPED, steps=steps, **SAME)
    kernel, panels = sg.to_kernel(GRADIENT), []
    for which, title in enumerate(("plain, η = 0.03", "clipped at norm 1, η = 0.03")):
        positions = run.positions[:, :, which]
        axes = [sg.Axis(name, *window(positions[:, i]), scale.points) for i, name in enumerate((w, b))]
        loss = sg.sweep(kernel, *axes, start=0.5, depth=DEPTH).outcome.loss.value
        paths = [
            Trajectory(positions[:, 0, i], positions[:, 1, i], f"from ({u:g}, −{-v:g})", colour=colour)
            for i, (u, v, colour) in enumerate(zip(*starts.values(), ("orange", "sky"), strict=True))
        ]
        across = np.array([max(axes[0].low, 4.2553), axes[0].high])
        line = Line(across, line_at(across), "basin line", colour="white", stroke="dashed")
        limits = {"xlim": (axes[0].low, axes[0].high), "ylim": (axes[1].low, axes[1].high)}
        layers = [Heatmap(*(axis.values for axis in axes), loss, "loss $L$", low=0, high=0.5), line, *paths]
        panels.append(Panel(layers, "$w$", "$b$", title, legend="below", **limits))
    longest = run.lengths.max(axis=(0, 2))
    return (
        sg.Figure(
            panels,
            f"Up to {steps} steps from the same two starts; the two windows differ. Left: a step that meets the wall "
            f"is up to {longest[0]:.3g} long; a path that leaves w ∈ [2, 10], b ∈ [−7, 2] ends. Right: no "
            f"step is longer than {longest[1]:.3g}, and the paths hop to and fro over the exact line.",
            alt="Two maps of the loss with descent paths; unclipped paths leap away, clipped ones follow the wall.",
            columns=2,
            size=(11.0, 5.4),
        ),
    )


def window(values):
    """Return the ends of an axis that shows all values, with some air."""
    air = 0.12 * float(np.ptp(values))
    return float(values.min()) - air, float(values.max()) + air


def random_starts():
    """Return the seeded starts on both sides of the wall."""
    rng = np.random.default_rng(SEED)
    weights = rng.uniform(4.3, 5.5, STARTS)
    return {"w": weights, "b": line_at(weights) + rng.uniform(-0.3, 0.3, STARTS)}


def the_same_starts(scale: sg.Scale):
    """Return what became of the same starts without clipping, clipped by norm and by value, and with momentum."""
    steps, starts = (10 if scale.quick else 45), random_starts()
    families = (
        (("plain, η = 0.3", "clipped, norm 1, η = 0.3"), {"step_size": 0.3, "clip": PLAIN_AND_CLIPPED}),
        (("clipped, each value 1, η = 0.3",), {"step_size": 0.3, "clip": [[1.0]], "clip_by": "value"}),
        (
            ("heavy ball β = 0.9, η = 0.03", "heavy ball, clipped, norm 1, η = 0.03"),
            {"step_size": 0.03, "rule": "momentum", "clip": PLAIN_AND_CLIPPED},
        ),
    )
    rows = []
    for names, options in families[: 2 if scale.quick else 3]:
        run = descend(GRADIENT, starts, steps=steps, **options, **SAME)
        converged = ends_of(run, GOAL) == ENDS.index(PathEnd.CONVERGED)
        rows += [
            (
                name,
                f"{int(run.catapulted[i].sum())} of {STARTS}",
                f"{int((run.left[i] >= 0).sum())}",
                f"{run.lengths[:, i].max():.4g}",
                f"{int(run.catapults[:, i].sum())}",
                f"{float(run.undone.value[i].sum()):.2f}",
                f"{float(np.nanmean(run.forfeited[i])):.4f}",
                f"{float(np.median(run.losses.value[-1, i])):.4f}",
                f"{int(converged[i].sum())}",
            )
            for i, name in enumerate(names)
        ]
    return (
        sg.Table(
            (
                "rule",
                "starts catapulted",
                "left the box",
                "longest step",
                "catapults",
                "loss undone",
                "lost for good, mean",
                "last loss, median",
                f"at or below {GOAL:g}",
            ),
            rows,
            f"{steps} steps from the same {STARTS} starts (seed {SEED}), w ∈ [4.3, 5.5], b within 0.3 of the line, "
            f"measured in float64. A catapult is {DEFINITION}. Loss undone is the sum of the rises over all "
            "catapults of all starts; lost for good is the last loss less the least on the path.",
        ),
        sg.Text(
            "Clipping hardly changes how many starts meet the wall, nor that the loss jumps up there. Summed over the "
            "paths it even undoes *more* loss, because a clipped path stays and crosses the wall again, where an "
            "unclipped one is gone after its long step. What clipping buys is in the last three columns."
        ),
    )


def the_diagram(scale: sg.Scale):
    """Return the diagram over step size and threshold, from the same starts in every cell."""
    count, steps = (5, 10) if scale.quick else (15, 45)
    found = descent_diagram(
        GRADIENT,
        random_starts(),
        np.logspace(-2.5, 1, count),
        np.logspace(-2, 2, count),
        steps=steps,
        goal=GOAL,
        **SAME,
    )
    across, up = np.log10(found.step_sizes), np.log10(found.thresholds)
    shares = (
        ("catapulted", found.catapulted),
        ("left the box", found.ends[PathEnd.LEFT_BOX]),
        (f"converged: loss ≤ {GOAL:g}", found.ends[PathEnd.CONVERGED]),
        ("stalled on a plateau", found.ends[PathEnd.STALLED]),
    )
    best = np.unravel_index(np.argmax(found.ends[PathEnd.CONVERGED]), found.catapulted.shape)
    panels = [
        Panel(
            [
                Heatmap(across, up, share, "share of the starts", low=0, high=max(0.01, float(share.max()))),
                Points(
                    [across[best[0]]], [up[best[1]]], "most converged", colour="vermillion", marker="star", size=14.0
                ),
            ],
            r"$\log_{10}$ step size $\eta$",
            r"$\log_{10}$ threshold $v$",
            title,
            legend="below" if title.startswith("converged") else "none",
        )
        for title, share in shares
    ]
    row = found.ends[PathEnd.CONVERGED][best[0]]
    figure = sg.Figure(
        panels,
        f"The same {found.starts} starts and {found.steps} steps in every cell. Towards the top a threshold clips "
        "nothing but the wall itself. Clipping hardly changes who is catapulted; it changes who leaves the box, to "
        "the upper right, and who arrives. The colours of each panel end at its largest share.",
        columns=2,
    )
    return (
        *([] if scale.quick else [figure]),
        sg.Text(
            f"At the best cell, η = {found.step_sizes[best[0]]:.3g} and v = {found.thresholds[best[1]]:.3g}, "
            f"{row[best[1]]:.0%} of the starts converge within {found.steps} steps; with the same step size and the "
            f"threshold {found.thresholds[-1]:g} it is {row[-1]:.0%}. {found.statement}"
        ),
    )


def the_advice():
    """Return the largest safe step and the smallest threshold that arrives, with what they rest on."""
    at = {"w": 4.6, "b": -2.5}
    steps, count = 30, 32
    safe = largest_safe_step(GRADIENT, at, steps=steps, low=1e-4, high=10, count=count, **SAME)
    crossing = smallest_crossing_threshold(
        GRADIENT, at, step_size=0.3, steps=steps, low=1e-3, high=100, goal=0.005, count=count, **SAME
    )
    return (
        sg.Table(
            ("advice", "value", "what was seen"),
            [
                ("largest safe step size", advised(safe), safe.statement),
                ("smallest threshold that arrives, η = 0.3", advised(crossing), crossing.statement),
            ],
            "From (4.6, −2.5), on the plateau below the wall. Sampled, not proved: neither answer need be monotone.",
        ),
    )


def advised(advice):
    """Return the advised number as text."""
    return "none" if advice.value is None else f"{advice.value:.4g}"


def three_steps_on_the_wall(scale: sg.Scale):
    """Return the gradient step and both Newton steps in b, on the wall at w = 5 and beside it."""
    second = sg.to_kernel(sg.gradient(UNIT**n, LOSS, wrt=("b",), second_order=True))
    exact = sg.to_kernel(sg.gradient(UNIT**n, LOSS, wrt=("b",), second_order=True), digits=30)
    on_line = exact(START, {"w": 5, "b": LINE.subs(w, 5)}, depth=DEPTH)
    wall, distance = float(LINE.subs(w, 5)), np.logspace(-9, -0.7, scale.points)
    names = ("gradient step, η = 0.01", "Newton to a root, −L/L′", "Newton to a minimum, −L′/L″")

    def lengths(outcome):
        first, bend = outcome.gradient["b"].log_abs, outcome.hessian["b", "b"].log_abs
        return tuple(v / LOG10 for v in (first + np.log(0.01), outcome.loss.log_abs - first, first - bend))

    beside = lengths(second(0.5, {"w": 5.0, "b": wall - distance}, depth=DEPTH))
    near = np.array([1e-6, 1e-4, 1e-2, 1e-1])
    sides = [lengths(second(0.5, {"w": 5.0, "b": wall + side * near}, depth=DEPTH)) for side in (-1.0, 1.0)]
    rows = [("on the wall", *(f"{10 ** float(v):.4g}" for v in lengths(on_line)))]
    for side, sizes in zip(("below", "above"), sides, strict=True):
        rows += [(f"{d:g} {side} it", *(f"{10 ** float(v[i]):.4g}" for v in sizes)) for i, d in enumerate(near)]
    lines = [Line(distance, size, name) for name, size in zip(names, beside, strict=True)]
    label = r"$\log_{10}$ of the step's length"
    figure = sg.Figure(
        Panel(lines, "distance of $b$ below the wall  ($w = 5$)", label, xscale="log", ylim=(-6.5, 3.0)),
        "Towards the wall, right to left, the gradient step grows by orders of magnitude and both Newton steps "
        "shrink; within about 1e-6 of the wall all three keep the length that they have on it. The spike is an "
        "inflection, L″ = 0.",
    )
    return (
        *([] if scale.quick else [figure]),
        sg.Table(
            ("place, w = 5", *names),
            rows,
            "Lengths of the steps in b at depth 50; on the exact line b = 1/2 − 5σ(1/2) in 30-digit arithmetic, beside "
            "it in float64.",
        ),
    )


def small(loss):
    """Return a loss with one digit, or that it is no more than rounding."""
    return f"{loss:.1g}" if loss > 1e-20 else "below 1e-20"


def along_the_edge():
    """Return the sharpness along paths into the valley, beside the line 2/η."""
    steps, at, sizes = 60, {"w": 4.4, "b": -2.0}, np.array([0.1, 0.2])
    run = descend(GRADIENT, at, step_size=sizes, steps=steps, **SAME)
    sharp, edges = sharpness(run).value, edge_of_stability(run)
    panels = [
        Panel(
            [
                Line(
                    np.arange(steps + 1), np.where(sharp[:, i] > 0, sharp[:, i], np.nan), r"sharpness $\lambda_{\max}$"
                ),
                HorizontalLine(float(edges[i]), rf"$2/\eta = {edges[i]:g}$", colour="vermillion"),
            ],
            "step",
            r"$\lambda_{\max}(\nabla^2 L)$",
            f"η = {eta:g}: last loss {small(run.losses.value[-1, i])}",
            yscale="log",
            legend="below",
        )
        for i, eta in enumerate(sizes)
    ]
    return (
        sg.Figure(
            panels,
            "Down into the valley from (4.4, −2). Left: the valley is less sharp than 2/η, and descent settles in it. "
            "Right: with twice the step the line lies below the valley's sharpness; descent cannot settle there and "
            "hops along the valley.",
            columns=2,
        ),
    )


def the_exact_toy(scale: sg.Scale):
    """Return the exact catapult map of a two-layer linear net, its proof, and its three phases."""
    found = two_number_map()
    kernel, steps = sg.to_kernel(found.map), np.arange(41)
    states = [np.array([[0.5] * 3, [1.5, 3.0, 4.1]])]
    for _ in steps[1:]:
        states.append(np.clip(kernel(tuple(states[-1]), {"eta": 1.0, "N": 100.0}).state, -1e9, 1e9))
    f_lines, curvature_lines = [], []
    names = ("ηλ = 1.5: falls at once", "ηλ = 3: catapult", "ηλ = 4.1: diverges")
    for name, (output, lamda) in zip(names, np.array(states).transpose(2, 1, 0), strict=True):
        size = output**2 / 2
        usable = (size < 1e6) & (size > 1e-12)
        f_lines.append(Line(steps, np.where(usable, size, np.nan), name))
        curvature_lines.append(Line(steps, np.where(usable, lamda, np.nan), name))
    at_rest = {found.map.state[0]: 0}
    rest = [found.map.jacobian[i][i].subs(at_rest) for i in (0, 1)]
    figure = sg.Figure(
        [
            Panel(f_lines, "step", "$L = f^2/2$", "the loss", yscale="log", legend="below"),
            Panel(
                [*curvature_lines, HorizontalLine(2.0, r"$2/\eta$")],
                "step",
                r"$\lambda$",
                "the curvature",
                legend="below",
            ),
        ],
        "The exact map with η = 1, N = 100 from f = 1/2: at ηλ = 3 the loss rises first, λ falls below 2/η, then "
        "the loss falls; at ηλ = 4.1 both grow without end. Lines end where the loss leaves 1e-12 … 1e6.",
        columns=2,
    )
    return (
        sg.Text(
            r"The catapult has an exact model. For $f = u\cdot v/\sqrt N$, $L = f^2/2$ a gradient step moves only two "
            r"numbers, $f$ and $\lambda = (|u|^2 + |v|^2)/N$. Derived for vectors of any length:"
        ),
        *found.evidence,
        sg.Text(
            f"At rest, $f = 0$, the multipliers are `{rest[0]}` and `{rest[1]}`: it is stable for 0 < ηλ < 2. Above, f "
            "grows until it has lowered λ below 2/η; beyond ηλ = 4 the second formula raises λ instead."
        ),
        *([] if scale.quick else [figure]),
    )
