"""Where the cliffs of a recurrent unit are, exactly, and why no grid can find them."""

import numpy as np
import sympy

import symgrad as sg
from symgrad.certify import contraction, gradient_supremum, pave
from symgrad.certify.paving import enclosed
from symgrad.evidence import Evidence
from symgrad.phenomena.cliffs.finding import find_cliffs
from symgrad.phenomena.cliffs.walls import wall_profile
from symgrad.report import Heatmap, HorizontalLine, Line, Panel, Points, Regions, SpaceCurve, Surface
from symgrad.symbols import b, n, w, x

DEPTH = 50
START = sympy.Rational(1, 2)
UNIT = sg.Map(w * sg.sigmoid(x) + b, x)
LOSS = (sg.sigmoid(x) - sympy.Rational(7, 10)) ** 2
GRADIENT = sg.gradient(UNIT**n, LOSS, wrt=(w, b))
BOX = {"w": (4, 8), "b": (-6, -1)}
SIGMOID = 1 / (1 + np.exp(-0.5))
LOG10 = np.log(10.0)
THRESHOLD = 0.2


@sg.analysis(
    question="Where exactly are the cliffs of a recurrent unit's loss, and can a grid see them?",
    reference=(
        "Pascanu, Mikolov & Bengio (2013), ICML, section 2.3 and figure 6 (arXiv 1211.5063); Singer (1978), SIAM J. "
        "Appl. Math. 35:260; Strogatz (2015), Nonlinear Dynamics and Chaos, section 4.3"
    ),
)
def cliffs(scale: sg.Scale) -> sg.Report:
    """On the basin line b = 1/2 - w sigma(1/2), w > 4.2553, and on the fold arc that continues it; nowhere else.

    A wall is as thin as mu^-T, so a grid misses it by orders of magnitude, and only an equation finds it.
    """
    found = find_cliffs(UNIT, LOSS, START, BOX, DEPTH)
    return sg.Report(
        sg.Formula(r"x_{t+1} = w\,\sigma(x_t) + b,\quad x_0 = \tfrac12,\quad L = (\sigma(x_{50}) - 0.7)^2", "one unit"),
        *the_surface(found, scale),
        *([] if scale.quick else what_a_grid_saw(found)),
        *the_certificate(found, scale),
        sg.Text(
            "The wall under a magnifying glass, and the one shape it has at every depth, are in "
            "[another report](cliff_zoom.md); how the height of walls, fold arcs and flips grows with depth is in "
            "[a third](cliff_growth.md); other activations, chains and inputs are in [a fourth](cliff_kinds.md)."
        ),
    )


def the_line(found):
    """Return the cliff on the basin line, and the one on the fold arc."""
    by_origin = {cliff.origin.value: cliff for cliff in found.cliffs}
    return by_origin["basin line"], by_origin["fold"]


def the_surface(found, scale):
    """Return the surface in space and from above with both exact curves, the statements, and places on them."""
    kernel = sg.to_kernel(GRADIENT)
    axes = [sg.Axis(name, *BOX[name], min(scale.points, 121)) for name in BOX]
    surface = sg.sweep(kernel, *axes, start=0.5, depth=DEPTH, progress=False).outcome
    ws, bs = (axis.values for axis in axes)
    line, fold = the_line(found)
    curves, flat = [], []
    for cliff, name, colour in ((line, "basin line", "vermillion"), (fold, "fold arc", "orange")):
        across, up = cliff.path.T
        loss = kernel(0.5, {"w": across, "b": up}, depth=DEPTH).loss.value
        if cliff is line:
            loss = np.full_like(across, float(LOSS.subs(x, START)))
        curves.append(SpaceCurve(across, up, loss + 0.006, name, colour=colour))
        flat.append(Line(across, up, f"{name} (exact)", colour=colour, width=2.4))
    whole = [sg.Axis(name, *BOX[name], scale.points) for name in BOX]
    near = [sg.Axis("w", 4, 4.6, scale.points), sg.Axis("b", -2.5, -1.9, scale.points)]
    panels = [
        Panel(
            [Surface(ws, bs, surface.loss.value, elevation=30, azimuth=40), *curves],
            "$w$",
            "$b$",
            f"the loss after {DEPTH} steps",
            zlabel="$L$",
        )
    ]
    windows = ((whole, "how steep it is, from above"), (near, "near the cusp"))
    for window, title in windows[: 1 if scale.quick else None]:
        steep = sg.sweep(kernel, *window, start=0.5, depth=DEPTH, progress=False).outcome
        xs, ys = (axis.values for axis in window)
        field = Heatmap(xs, ys, log10_norm(steep), r"$\log_{10}\,\Vert\nabla L\Vert$", low=-2, high=1)
        limits = {"xlim": (xs[0], xs[-1]), "ylim": (ys[0], ys[-1])}
        panels.append(Panel([field, *flat], "$w$", "$b$", title, legend="below", **limits))
    cut = np.linspace(-6, -1, 1001)
    cuts = [
        Line(cut, kernel(0.5, {"w": at, "b": cut}, depth=DEPTH).loss.value, f"w = {at:g}")
        for at in (4.1, 5.0, 6.5, 8.0)
    ]
    panels += [] if scale.quick else [Panel(cuts, "$b$", "$L$", "cuts through it", legend="below")]
    return (
        sg.Figure(
            panels,
            "Two plateaus meet in a wall. The curves are computed from their equations, not from the picture: the "
            "straight basin line, and the fold arc that leads from its end at w = 4.2553 to the cusp at (4, −2). "
            "Over the arc the steep place of T = 50 still stands a little beside it; it comes nearer like 1/T².",
            alt="The loss surface with its wall in space and maps of its steepness, with the exact curves on them.",
            columns=2,
            size=(11.0, 5.0 if scale.quick else 10.0),
        ),
        sg.Text(
            "On the basin line the start is a repelling fixed point: beside it the orbit leaves for one attractor or "
            "the other. Between the cusp and that line the start is on neither; there the orbit must pass the ghost of "
            "the attractor that has just vanished in the fold."
        ),
        *(Evidence(c.equation, c.verdict, c.proof, domain=(c.valid,)) for c in (line, fold)),
        Evidence("no other cliff in w in [4, 8], b in [-6, -1]", found.coverage.verdict, found.coverage.statement),
        *found.coverage.evidence,
        places(line),
    )


def log10_norm(outcome):
    """Return log10 of the gradient's Euclidean norm, whatever its size."""
    return 0.5 * np.logaddexp(*(2 * outcome.gradient[name].log_abs for name in BOX)) / LOG10


def places(line):
    """Return places on the basin line, exactly on it and just beside it."""
    rows = [
        (
            f"{place.point['w']:g}",
            f"{place.point['b']:.10f}",
            f"{float(place.gradient['b'].value):.12g}",
            f"{float(place.peak.value):.6g}",
            f"{float(place.width.value):.3g}",
            f"{place.loss_below:.6f}",
            f"{place.loss_above:.6f}",
        )
        for place in line.trace
    ]
    return sg.Table(
        ("w", "b on the line", "∂L/∂b on it", "steepest beside it", "width in b", "loss below", "loss above"),
        rows,
        f"At T = {DEPTH}. On the line: the geometric sum, proved, evaluated in more digits than shown. Beside it: the "
        "cross-section by the Poincaré function, or by orbits where the wall is wide; the width is the full width at "
        "half height, the losses are those of the two attractors.",
    )


def what_a_grid_saw(found):
    """Return the largest gradient that grids of growing size see, against the certified one, and why."""
    counts = (26, 51, 101, 201, 301, 401, 501)
    kernel, seen = sg.to_kernel(GRADIENT), []
    for count in counts:
        axes = [sg.Axis(name, *BOX[name], count) for name in BOX]
        swept = sg.sweep(kernel, *axes, start=0.5, depth=DEPTH, progress=False).outcome
        seen.append(float(log10_norm(swept).max()))
    true = found.largest_gradient.log_abs / LOG10
    line, _ = the_line(found)
    weights = np.array([4.4, 4.6, 5, 5.5, 6, 6.5, 7, 7.5, 8])
    widths = {T: [float(wall(line.curve, at, T).width.log_abs) / LOG10 for at in weights] for T in (DEPTH, 2 * DEPTH)}
    spacing = np.log10(5 / (counts[-1] - 1))
    return (
        sg.Figure(
            [
                Panel(
                    [
                        Points(counts, 10.0 ** np.array(seen), "seen by a grid of N × N points", colour="blue"),
                        HorizontalLine(10**true, f"certified: {10**true:.4g}", colour="vermillion"),
                    ],
                    "$N$",
                    r"$\max\,\Vert\nabla L\Vert$",
                    f"the largest gradient, T = {DEPTH}",
                    legend="below",
                    yscale="log",
                    ylim=(1, 10 ** (true + 1)),
                ),
                Panel(
                    [
                        *(Line(weights, widths[T], f"width of the wall, T = {T}") for T in widths),
                        HorizontalLine(spacing, f"grid of {counts[-1]} points", colour="black"),
                        HorizontalLine(np.log10(np.spacing(4.0)), "one unit in the last place of b", colour="grey"),
                    ],
                    "$w$",
                    r"$\log_{10}$ width in $b$",
                    "why: the wall is thinner than a cell",
                    legend="below",
                ),
            ],
            f"Left: a grid of {counts[-1]} × {counts[-1]} points sees a largest gradient of {10 ** seen[-1]:.4g}; the "
            f"true one is {10**true:.4g}. Right: the wall's full width at half height against the grid and against "
            "the spacing of double precision.",
            alt="Largest gradient seen by grids, far below the certified one; width of the wall against w.",
            columns=2,
            size=(11.0, 4.9),
        ),
        split_statement(found.largest_gradient.statement, found.largest_gradient.verdict),
    )


def wall(curve, at, depth):
    """Return the cross-section of the wall."""
    return wall_profile(curve, GRADIENT, START, sympy.Rational(str(at)), depth)


def split_statement(statement, verdict):
    """Return a certified statement as evidence: what holds, and by what."""
    claim, _, method = statement.partition("; by ")
    return Evidence(claim, verdict, method)


def the_certificate(found, scale):
    """Return the paving of the steep part, the certified supremum at twice the depth, and where gradients vanish."""
    line, _ = the_line(found)
    options = {"start": START, "depth": DEPTH, "wrt": "b", "line": {"b": line.curve.expressions["b"]}}
    paving = pave(GRADIENT, BOX, threshold=THRESHOLD, undecided=2e-2 if scale.quick else 3e-4, **options)
    statements = [split_statement(paving.statement, paving.verdict)]
    if not scale.quick:
        highest = gradient_supremum(GRADIENT, BOX, **options | {"depth": 2 * DEPTH})
        vanishing = contraction(UNIT, BOX, start=START, depth=DEPTH)
        statements += [split_statement(part.statement, part.verdict) for part in (highest, vanishing)]
    count = 120 if scale.quick else 400
    colours = {0: "white", 1: "orange", 2: "blue"}
    names = {
        0: rf"$|\partial L/\partial b| \leq {THRESHOLD}$",
        1: rf"$|\partial L/\partial b| > {THRESHOLD}$",
        2: "undecided",
    }
    across, up = pixels(*BOX["w"], count), pixels(*BOX["b"], count)
    codes = painted(paving, across, up[None, :] - (0.5 - across * SIGMOID)[:, None])
    beside = Line(*line.path.T, "basin line", colour="black", stroke="dotted", width=1.0)
    box = [Regions(across, up, codes, names, colours=colours), beside]
    panels = [Panel(box, "$w$", "$b$", "the box", legend="below")]
    sides = ((-1, r"b_\mathrm{line} - b"), (1, r"b - b_\mathrm{line}"))
    for side, label in sides[: 1 if scale.quick else None]:
        weights, depths, codes = near_the_line(side, options, 20 if scale.quick else 140)
        title = "below the line" if side < 0 else "above the line"
        layer = Regions(weights, depths, codes, names, colours=colours)
        panels.append(Panel([layer, thinness(weights)], "$w$", rf"$\log_{{10}}({label})$", title, legend="below"))
    return (
        sg.Text(
            "What follows is certified: interval arithmetic encloses the gradient over whole cells, which are cut "
            "until each is proved steep, proved flat, or too small to matter. The cells follow the line, in the "
            "distance from it, so that a wall is resolved however thin it is."
        ),
        sg.Figure(
            panels,
            f"Where the gradient is proved to be above {THRESHOLD} (orange) and proved not to be (white), at "
            f"T = {DEPTH}; blue is undecided. Left: the paving in the plane of the parameters, where the steep strip "
            "is too thin to be seen for w > 5.2. Middle and right: cells of equal size in the logarithm of the "
            "distance from the line, eighteen powers of ten down, with the scale on which the wall falls; in the blue "
            "thread on the right the loss passes its floor, where the gradient is 0.",
            alt="The box of parameters cut into steep, flat and undecided cells, in the plane and near the line.",
            columns=3,
            size=(14.5, 5.6),
        ),
        *statements,
    )


def thinness(weights):
    """Return the scale on which the wall falls, for the multipliers above 1."""
    multiplier = weights * SIGMOID * (1 - SIGMOID)
    grows = multiplier > 1.01
    scale_of = np.log10(multiplier[grows] - 1) - DEPTH * np.log10(multiplier[grows])
    return Line(weights[grows], scale_of, r"$(\mu - 1)\,\mu^{-T}$", colour="black", stroke="dashed")


def near_the_line(side, options, count):
    """Return certified codes of cells on one side of the line, equal in w and in the logarithm of the distance."""
    ends = np.linspace(*BOX["w"], count + 1)
    logs = np.linspace(-18, 0, count + 1)
    far = np.sort(side * 10.0**logs)
    cells = np.empty((count, count, 2, 2))
    cells[:, :, 0, 0], cells[:, :, 0, 1] = ends[:-1, None], ends[1:, None]
    cells[:, :, 1, 0], cells[:, :, 1, 1] = far[None, :-1], far[None, 1:]
    problem = enclosed(GRADIENT, BOX, parameters={}, **options)
    with np.errstate(all="ignore"):
        size = problem.logarithms(cells.reshape(-1, 2, 2))
    codes = np.select([size.low > np.log(THRESHOLD), size.high <= np.log(THRESHOLD)], [1, 0], 2)
    return pixels(*BOX["w"], count), pixels(-18, 0, count), codes.reshape(count, count)[:, ::side]


def pixels(low, high, count):
    """Return the middles of equal parts of an interval."""
    return low + (np.arange(count) + 0.5) * (high - low) / count


def painted(paving, across, distance):
    """Return 0 outside, 1 inside, 2 undecided at points of columns across, whose distance from the line rises."""
    codes = np.full(distance.shape, 2)
    for code, cells in enumerate((paving.outside, paving.inside)):
        first, last = (np.searchsorted(across, cells[:, 0, end]) for end in (0, 1))
        for left, right, (low, high) in zip(first, last, cells[:, 1], strict=True):
            for column in range(left, right):
                bottom, top = np.searchsorted(distance[column], (low, high))
                codes[column, bottom:top] = code
    return codes
