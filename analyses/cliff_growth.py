"""How high a cliff is and how thin, as the depth of a recurrent unit grows."""

import numpy as np
import sympy

import symgrad as sg
from symgrad.derivation import cliff_curves
from symgrad.evidence import Evidence
from symgrad.phenomena.cliffs.ridges import fold_ridge
from symgrad.phenomena.cliffs.walls import values_on, wall_profile
from symgrad.report import HorizontalLine, Line, Panel, Points
from symgrad.symbols import b, n, w, x

START = sympy.Rational(1, 2)
UNIT = sg.Map(w * sg.sigmoid(x) + b, x)
LOSS = (sg.sigmoid(x) - sympy.Rational(7, 10)) ** 2
GRADIENT = sg.gradient(UNIT**n, LOSS, wrt=(w, b))
LOG10 = np.log(10.0)
WEIGHTS = (5, 6, 8)
ON_FOLD = (sympy.Rational(41, 10), sympy.Rational(21, 5))
COLOURS = ("blue", "vermillion", "green")
MARKS = ("circle", "square", "triangle")


@sg.analysis(
    question="How high is a cliff, and how thin, as the net grows deeper?",
    reference=(
        "Pascanu, Mikolov & Bengio (2013), ICML, section 2.3 (arXiv 1211.5063); Strogatz (2015), Nonlinear Dynamics "
        "and Chaos, section 4.3 (ghosts and bottlenecks); Milnor (2006), Dynamics in One Complex Variable, section 8"
    ),
)
def cliff_growth(scale: sg.Scale) -> sg.Report:
    """Like mu^T on a basin line, like T^3 on a fold arc, like sqrt(T) beside a flip; the width shrinks to match.

    The fold arc's cube is asymptotic: at w = 4.1 a hundred steps show an exponent of 1.6, and it takes
    thousands to see 3.
    """
    line, fold, flip = the_curves()
    return sg.Report(
        sg.Formula(r"x_{t+1} = w\,\sigma(x_t) + b,\quad x_0 = \tfrac12,\quad L = (\sigma(x_T) - 0.7)^2", "one unit"),
        *on_the_line(line, scale),
        *on_the_fold(fold, scale),
        *([] if scale.quick else beside_the_flip(flip)),
    )


def the_curves():
    """Return the basin line of positive weights, the fold arc, and the flip curve on which the sigmoid is below 1/2."""
    curves = cliff_curves(UNIT**n, ("w", "b"), START)
    line = next(c for c in curves if c.origin == "basin line" and c.span[0] > 0)
    fold = next(c for c in curves if c.origin == "fold")
    flip = next(c for c in curves if c.origin == "flip" and c.low == 0)
    return line, fold, flip


def statement(curve):
    """Return an exact curve with what it rests on."""
    return Evidence(curve.equation, curve.verdict, curve.proof, domain=(curve.valid,))


def on_the_line(line, scale):
    """Return height and width of the wall at depths up to a million."""
    depths = np.unique(np.linspace(10, 300, 8 if scale.quick else 30).astype(int))
    tall, thin = [], []
    rows = []
    for weight, colour, mark in zip(WEIGHTS[: 2 if scale.quick else None], COLOURS, MARKS, strict=False):
        exact = [values_on(line, GRADIENT, START, weight, int(T)).gradient["b"].log_abs / LOG10 for T in depths]
        sparse = [int(T) for T in depths[:: 3 if scale.quick else 4]]
        walls = [wall_profile(line, GRADIENT, START, weight, T) for T in sparse]
        peaks = [float(part.height.log_abs) / LOG10 for part in walls]
        widths = [float(part.width.log_abs) / LOG10 for part in walls]
        label = rf"w = {weight}, $\mu$ = {walls[0].multiplier:.4f}"
        tall += [
            Line(depths, exact, label, colour=colour),
            Points(sparse, peaks, f"beside it, w = {weight}", colour=colour, marker=mark),
        ]
        thin.append(Line(sparse, widths, label, colour=colour))
        for T in (50, 1000, 10**6):
            here = wall_profile(line, GRADIENT, START, weight, T)
            rows.append((weight, T, power(here.on_line), power(here.height), power(here.width)))
    thin.append(HorizontalLine(np.log10(np.spacing(2.0)), "one unit in the last place of b", colour="black"))
    return (
        sg.Text(
            "**Basin line.** The orbit stands still, every factor is "
            r"$\mu = w\,\sigma'(\frac12)$, and $dx_T/db = (\mu^T - 1)/(\mu - 1)$. Beside the line the wall keeps its "
            r"shape, so that its height is proportional to $\mu^T$ and its width to $\mu^{-T}$:"
        ),
        statement(line),
        sg.Claim("(m**(n + 1) - 1)/(m - 1)", "=", "m*(m**n - 1)/(m - 1) + 1", symbols={"n": n}).examine(),
        sg.Figure(
            [
                Panel(
                    tall,
                    "$T$",
                    r"$\log_{10}\,|\partial L/\partial b|$",
                    "height",
                    legend="below",
                ),
                Panel(thin, "$T$", r"$\log_{10}$ width in $b$", "width at half height", legend="below"),
            ],
            "Left: the gradient exactly on the line, in closed form, and the largest beside it (marks), a fixed "
            "multiple of it for each w. Right: the wall's full width at half height. Below the dashed line two "
            "neighbouring doubles lie on different sides of the whole wall.",
            alt="Height of the wall growing exponentially with depth, and its width shrinking exponentially.",
            columns=2,
            size=(11.0, 5.8),
        ),
        sg.Table(
            ("w", "T", "∂L/∂b on the line", "steepest beside it", "width in b"),
            rows,
            "On the line: closed form, proved, at a cost that does not grow with T. Beside it: the Poincaré function.",
        ),
    )


def power(value):
    """Return a number that may be far beyond doubles, with the leading digits of its size."""
    log = float(value.log_abs) / LOG10
    whole = int(np.floor(log))
    return f"{'−' if float(value.sign) < 0 else ''}{10 ** (log - whole):.4f} · 10^{whole}"


def on_the_fold(fold, scale):
    """Return the height of the fold arc, its local exponent, and its distance from the fold."""
    depths = (100, 400) if scale.quick else (100, 200, 400, 800, 1600, 3200, 6400)
    tall, local, near, rows = [], [], [], []
    for at, colour, mark in zip(ON_FOLD[: 1 if scale.quick else None], COLOURS, MARKS, strict=False):
        ridges = [fold_ridge(fold, GRADIENT, START, at, T) for T in depths]
        heights = np.array([ridge.height_log / LOG10 for ridge in ridges])
        offsets = np.array([abs(ridge.offset) for ridge in ridges])
        label = f"w = {float(at):g}"
        guide = heights[-1] + 3 * np.log10(np.array(depths) / depths[-1])
        tall += [
            Points(depths, 10**heights, label, colour=colour, marker=mark),
            Line(depths, 10**guide, f"$T^3$ through the last, {label}", colour=colour, stroke="dotted"),
        ]
        local.append(Line(depths, [r.local_exponent for r in ridges], label, colour=colour))
        local.append(Points(depths, [r.local_exponent for r in ridges], colour=colour, marker=mark))
        limit = 2 * np.pi**2 / np.sqrt(1 - 4 / float(at))
        near += [
            Line(depths, offsets * np.array(depths) ** 2, label, colour=colour),
            Line(depths, np.full(len(depths), limit), f"limit {limit:.1f}", colour=colour, stroke="dotted"),
        ]
        rows += [
            (
                f"{float(at):g}",
                ridge.depth,
                f"{10**height:.6g}",
                f"{ridge.local_exponent:.3f}",
                f"{ridge.offset:.4g}",
                f"{float(ridge.width.value):.3g}",
                f"{ridge.exponent:.3f}",
            )
            for ridge, height in zip(ridges, heights, strict=True)
        ]
    local.append(HorizontalLine(3.0, "asymptotic", colour="black"))
    return (
        sg.Text(
            "**Fold arc.** No fixed point repels the start here. Where the attractor has just vanished its ghost holds "
            r"the orbit for about $2\pi/\sqrt{2|f''|\delta}$ steps at a distance $\delta$ from the fold, so that the "
            r"steepest place of depth T lies near $\delta = 2\pi^2/(|f''|\,T^2)$ and the height grows like a power. On "
            r"the fold $|f''| = 2s - 1 = \sqrt{1 - 4/w}$, with $s = \sigma(x)$ and $w = 1/(s(1 - s))$:"
        ),
        statement(fold),
        sg.Claim("1 - 4*s*(1 - s) = (2*s - 1)**2").examine(),
        sg.Figure(
            [
                Panel(
                    tall,
                    "$T$",
                    r"$\max\,|\partial L/\partial b|$",
                    "height",
                    legend="below",
                    xscale="log",
                    yscale="log",
                ),
                Panel(
                    local,
                    "$T$",
                    r"$d\,\log\,\mathrm{height}\;/\;d\,\log T$",
                    "its exponent",
                    legend="below",
                    xscale="log",
                ),
                Panel(near, "$T$", r"$T^2\cdot|b - b_\mathrm{fold}|$", "distance", legend="below", xscale="log"),
            ],
            "Left: the largest gradient beside the fold arc. Middle: its exponent between T/2 and T creeps up to 3. "
            "Right: the distance from the fold times T², and the limit $2\\pi^2/|f''|$ it tends to.",
            alt="Height, exponent and distance of the ridge beside the fold arc against depth.",
            columns=3,
            size=(13.3, 5.4),
        ),
        sg.Table(
            ("w", "T", "largest |∂L/∂b|", "exponent from T/2 to T", "b − fold", "width in b", "α"),
            rows,
            "Sampled: orbits run in float64 at a hundred places beside the curve, the steepest refined. α = d log‖H‖ / "
            "d log‖∇L‖ over the same depths; it is 2 on a wall.",
        ),
    )


def beside_the_flip(flip):
    """Return the height of the ridge beside the flip curve at negative weights."""
    depths = (100, 200, 400, 800, 1600)
    tall, near, rows = [], [], []
    for at, colour, mark in zip((-6, -8), COLOURS, MARKS, strict=False):
        ridges = [fold_ridge(flip, GRADIENT, flip.start, at, T) for T in depths]
        heights = np.array([np.exp(ridge.height_log) for ridge in ridges])
        guide = heights[-1] * np.sqrt(np.array(depths) / depths[-1])
        tall += [
            Points(depths, heights, f"w = {at}", colour=colour, marker=mark),
            Line(depths, guide, rf"$\sqrt{{T}}$ through the last, w = {at}", colour=colour, stroke="dotted"),
        ]
        near.append(Line(depths, [ridge.offset * ridge.depth for ridge in ridges], f"w = {at}", colour=colour))
        rows += [
            (at, r.depth, f"{height:.6g}", f"{r.local_exponent:.3f}", f"{r.offset:.4g}", f"{r.exponent:.3f}")
            for r, height in zip(ridges, heights, strict=True)
        ]
    return (
        sg.Text(
            r"**Flip.** At negative weights the fixed point loses its stability where $f' = -1$, and the state leaves "
            r"it like $\sqrt\delta$, but only within $1/\delta$ steps. The gradient grows like a square root there: a "
            "weak ridge, and no cliff."
        ),
        statement(flip),
        sg.Figure(
            [
                Panel(
                    tall,
                    "$T$",
                    r"$\max\,|\partial L/\partial b|$",
                    "height",
                    legend="below",
                    xscale="log",
                    yscale="log",
                ),
                Panel(near, "$T$", r"$T\cdot(b - b_\mathrm{flip})$", "distance", legend="below", xscale="log"),
            ],
            "Left: the largest gradient beside the flip curve, with the square root of the depth. Right: its distance "
            "from the curve times T levels off.",
            alt="Height of the flip ridge against depth, a square root, and its distance times depth.",
            columns=2,
            size=(11.0, 5.0),
        ),
        sg.Table(
            ("w", "T", "largest |∂L/∂b|", "exponent from T/2 to T", "b − flip", "α"),
            rows,
            "Sampled, as for the fold arc.",
        ),
    )
