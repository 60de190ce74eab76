"""The wall of a recurrent unit's loss under a magnifying glass, and the one shape it has at every depth."""

import numpy as np
import sympy

import symgrad as sg
from symgrad.phenomena.cliffs.collapses import collapse
from symgrad.phenomena.cliffs.walls import wall_profile
from symgrad.report import Heatmap, Line, Panel, Points
from symgrad.symbols import b, n, w, x

START = sympy.Rational(1, 2)
UNIT = sg.Map(w * sg.sigmoid(x) + b, x)
LOSS = (sg.sigmoid(x) - sympy.Rational(7, 10)) ** 2
GRADIENT = sg.gradient(UNIT**n, LOSS, wrt=(w, b))
SIGMOID = 1 / (1 + np.exp(-0.5))
DEEP, ZOOMED = 120, 6
DISTANCE = "sigmoid(1/2 + d) - sigmoid(1/2)"
EXACT_DISTANCE = "2*sigmoid(1/2)*(1 - sigmoid(1/2))*sinh(d/2)/((1 - sigmoid(1/2))*exp(-d/2) + sigmoid(1/2)*exp(d/2))"
BESIDE = sg.Map("2*w*s*(1 - s)*sinh(d/2)/((1 - s)*exp(-d/2) + s*exp(d/2)) + h", "d")


@sg.analysis(
    question="What is left of a wall under a magnifying glass, and what of it changes with depth?",
    reference=(
        "Poincaré (1890), J. Math. Pures Appl. 6:313; Milnor (2006), Dynamics in One Complex Variable, section 8; "
        "Pascanu, Mikolov & Bengio (2013), ICML, figure 6 (arXiv 1211.5063)"
    ),
)
def cliff_zoom(scale: sg.Scale) -> sg.Report:
    """One slope of one shape: in the scaled distance from its line a wall is the Poincaré function at every depth.

    Only its width changes, like mu^-T, until it is far thinner than the spacing of double precision.
    """
    line = sg.cliff_curves(UNIT**n, ("w", "b"), START)[0]
    return sg.Report(
        sg.Formula(r"x_{t+1} = w\,\sigma(x_t) + b,\quad x_0 = \tfrac12,\quad L = (\sigma(x_T) - 0.7)^2", "one unit"),
        *the_zoom(line, scale),
        *the_collapse(line, scale),
        sg.Text("Where the wall stands, and that there is no other, is in [another report](cliffs.md)."),
    )


def the_zoom(line, scale):
    """Return the same wall in ever smaller windows around its line."""
    across = np.linspace(5.9, 6.1, 31 if scale.quick else 121)
    unit = np.linspace(-1, 1, 41 if scale.quick else 161)
    kernel = sg.to_kernel(BESIDE**DEEP)
    panels = []
    for power in (6, 16, 18) if scale.quick else (2, 6, 10, 14, 16, 18):
        values = {"w": across[:, None], "h": unit[None, :] * 10.0**-power, "s": SIGMOID}
        state = kernel(0.0, values).state[0]
        loss = (1 / (1 + np.exp(-0.5 - state)) - 0.7) ** 2
        panels.append(
            Panel(
                [Heatmap(across, unit, loss, "$L$", low=0, high=0.45)],
                "$w$",
                rf"$(b - b_\mathrm{{line}})\cdot 10^{{{power}}}$",
                rf"within $10^{{-{power}}}$",
            )
        )
    return (
        sg.Text(
            f"Enlarge the wall, at T = {DEEP} around w = {ZOOMED}. Doubles cannot hold a b that is 1e-18 beside the "
            r"line, but they hold the distances $d = x - \frac12$ and $h = b - b_\mathrm{line}$, whose step has no "
            "cancellation:"
        ),
        sg.Formula(
            r"d_{t+1} = w\,\frac{2s(1-s)\sinh(d_t/2)}{(1-s)e^{-d_t/2} + s\,e^{d_t/2}} + h,\quad s = \sigma(\tfrac12)"
        ),
        sg.Claim(DISTANCE, "=", EXACT_DISTANCE).examine(),
        sg.Figure(
            panels,
            "The same wall, each window 100 to 10 000 times narrower than the one before; w runs over the same "
            "interval in all. A cell of a grid of 501 points is as high as half the first window. Down to 1e-14 it is "
            "a perfect jump; then its slope appears, first on the left, where the multiplier is smallest.",
            alt="Six enlargements of the wall, a jump in all but the last ones, where it becomes a slope.",
            columns=3,
            size=(13.3, 3.8 if scale.quick else 7.6),
        ),
        zoom_table(line, scale),
    )


def zoom_table(line, scale):
    """Compare the distance iterated in doubles with the unit itself in many digits."""
    beside = sg.to_kernel(sg.gradient(BESIDE**n, "(sigmoid(1/2 + d) - 7/10)**2", wrt="h"))
    exact = sg.to_kernel(sg.gradient(UNIT**n, LOSS, wrt="b"), digits=60)
    rows = []
    for text in ("-1e-18", "1e-19", "1e-18", "1e-16")[:: 4 if scale.quick else 1]:
        near = beside(0.0, {"w": float(ZOOMED), "h": float(text), "s": SIGMOID}, depth=DEEP)
        at = line.expressions["b"].subs(w, ZOOMED) + sympy.Rational(text)
        far = exact(START, {"w": sympy.Integer(ZOOMED), "b": at}, depth=DEEP)
        rows.append(
            (
                text,
                f"{float(near.loss.value):.10f}",
                f"{float(far.loss.value):.10f}",
                f"{float(near.gradient['h'].value):.10g}",
                f"{float(far.gradient['b'].value):.10g}",
            )
        )
    return sg.Table(
        ("b − line", "L, distances in doubles", "L, 60 digits", "∂L/∂b, distances in doubles", "∂L/∂b, 60 digits"),
        rows,
        f"At w = {ZOOMED}, T = {DEEP}: the distances iterated in float64, and the unit itself run in 60 digits at the "
        "exact b.",
    )


def the_collapse(line, scale):
    """Return walls of many depths beside their line, then in the scaled distance, where they are one curve."""
    depths = (20, 50, 100, 1000, 10**6)
    u = np.linspace(-12, 12, 61 if scale.quick else 241)
    fallen = collapse(line, GRADIENT, START, 5, depths, u)
    mu = wall_profile(line, GRADIENT, START, 5, 50).multiplier
    forward = collapse(line, GRADIENT, START, 5, depths[-1:], mu * u).poincare
    centre = float(line.expressions["b"].subs(w, 5))
    image = 5 / (1 + np.exp(-fallen.poincare)) + centre
    beside = np.linspace(-0.12, 0.12, 401)
    kernel = sg.to_kernel(UNIT**n)
    raw = [
        Line(beside, kernel(0.5, {"w": 5.0, "b": centre + beside}, depth=T).state[0], f"T = {T}", width=1.8)
        for T in (5, 10, 20, 30, 50)
    ]
    marks = ("circle", "square", "triangle", "diamond", "cross")
    every = max(1, len(u) // 24)
    points = [
        Points(
            u[i * every // 5 :: every],
            state[i * every // 5 :: every],
            f"T = {T:,}".replace(",", " "),
            marker=mark,
            size=5.0,
        )
        for i, (T, state, mark) in enumerate(zip(depths, fallen.states, marks, strict=True))
    ]
    return (
        sg.Text(
            r"With $\mu = w\,\sigma'(\frac12)$, here "
            + f"{mu:.6f}"
            + r", the scaled distance is $u = \mu^T (b - b_\mathrm{line})/(\mu - 1)$, and the last state tends to the "
            "Poincaré function of the unit, the one analytic solution of"
        ),
        sg.Formula(r"\Phi(\mu u) = f(\Phi(u)),\quad \Phi(0) = \tfrac12,\quad \Phi'(0) = 1"),
        sg.Figure(
            [
                Panel(raw, r"$b - b_\mathrm{line}$", "$x_T$", "walls of five depths at w = 5", legend="below"),
                Panel(
                    [Line(u, fallen.poincare, "Φ, by its power series", colour="black", width=1.4), *points],
                    "$u$",
                    "$x_T$",
                    "the same in the scaled distance",
                    legend="below",
                ),
            ],
            "Left: the deeper, the thinner. Right: in the scaled distance walls of T = 100 up to a million fall on one "
            "curve, the Poincaré function; T = 20 is still on its way to it.",
            alt="Walls of several depths, and the single curve on which they fall in the scaled distance.",
            columns=2,
            size=(11.0, 5.4),
        ),
        sg.Table(
            ("T", "largest |x_T − Φ(u)|, |u| ≤ 12", "T μ^−T"),
            [
                (f"{T}", f"{gap:.1e}", f"{T * mu**-T:.1e}" if T * np.log(mu) < 690 else "below 1e-300")
                for T, gap in zip(depths, fallen.difference, strict=True)
            ],
            "Each wall from orbits of its own, run in float64; beyond T = 200 or so from where the distance has grown "
            "to 1e-13. What is left at T ≥ 1000 is rounding. The functional equation holds to "
            f"{np.max(np.abs(forward - image)):.0e} at the {len(u)} places of the figure.",
        ),
    )
