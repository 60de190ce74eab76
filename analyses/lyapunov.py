"""Lyapunov exponents of known maps against the literature, and gradients on cycles and on chaos."""

import math

import numpy as np

import symgrad as sg
from symgrad.phenomena.spectra.frames import orthonormalised
from symgrad.phenomena.spectra.jacobians import identity
from symgrad.phenomena.spectra.lyapunov import lyapunov_spectrum
from symgrad.phenomena.spectra.systems import system_of
from symgrad.report import Band, HorizontalLine, Line, Panel, Points

LOG2, LOG3, GOLDEN = math.log(2), math.log(3), math.log((3 + math.sqrt(5)) / 2)
XY = ("x", "y")
IKEDA = "(2/5 - 6/(1 + x**2 + y**2))"
HENON = sg.Map(("1 - 1.4*x**2 + y", "0.3*x"), XY)
LOGISTIC = sg.Map("r*x*(1 - x)", "x")
WITH_GRADIENT = sg.Map((LOGISTIC.expr, "r*(1 - 2*x)*s + x*(1 - x)"), ("x", "s"))
DESCENT = sg.Map("x - eta*(x**3 - x)", "x")
SPROTT = "Sprott (2003)"

KNOWN = (
    ("logistic, r = 4", "4*x*(1 - x)", (0.3,), (LOG2,), "exact: x = sin² t"),
    ("Newton's map of x² + 1", "x - (x**2 + 1)/(2*x)", (0.7,), (LOG2,), "exact: x = cot t"),
    ("gradient descent on (x² − 1)²/4, η = 2", "x - 2*(x**3 - x)", (0.3,), (LOG3,), "exact: x = √2 sin t"),
    ("gradient descent on (x² − 1)²/4, η = 0.4", "x - 0.4*(x**3 - x)", (0.3,), (math.log(0.2),), "exact: log(1 − 2η)"),
    ("cat map", "Mod(x + y, 1); Mod(x + 2*y, 1)", (0.1, 0.2), (GOLDEN, -GOLDEN), "exact: log((3 ± √5)/2)"),
    ("Kaplan–Yorke, 3, 0.2", "3*x - floor(3*x); 0.2*y + cos(4*pi*x)", (0.1, 0.1), (LOG3, math.log(0.2)), "exact"),
    ("Hénon, 1.4, 0.3", "1 - 1.4*x**2 + y; 0.3*x", (0.1, 0.1), (0.41922, -1.62319), SPROTT),
    ("Lozi, 1.7, 0.5", "1 - 1.7*abs(x) + y; 0.5*x", (-0.1, 0.1), (0.47023, -1.16338), SPROTT),
    ("delayed logistic, 2.27", "2.27*x*(1 - y); x", (0.001, 0.001), (0.18312, -1.24199), SPROTT),
    ("Holmes cubic, 0.2, 2.77", "y; -0.2*x + 2.77*y - y**3", (1.6, 0.0), (0.59458, -2.20402), SPROTT),
    ("Burgers, 0.75, 1.75", "0.75*x - y**2; 1.75*y + x*y", (-0.1, 0.1), (0.12076, -0.22136), SPROTT),
    (
        "Tinkerbell, 0.9, −0.6, 2, 0.5",
        "x**2 - y**2 + 0.9*x - 0.6*y; 2*x*y + 2*x + 0.5*y",
        (0.0, 0.5),
        (0.18997, -0.52091),
        SPROTT,
    ),
    (
        "Ikeda, u = 0.9",
        f"1 + 0.9*(x*cos{IKEDA} - y*sin{IKEDA}); 0.9*(x*sin{IKEDA} + y*cos{IKEDA})",
        (0.0, 0.0),
        (0.50760, -0.71832),
        SPROTT,
    ),
)  # fmt: skip
DYING = (("doubling", "2*x - floor(2*x)"), ("tent", "1 - 2*abs(x - 1/2)"))
CLAIMS = (
    "4*sin(t)**2*(1 - sin(t)**2) = sin(2*t)**2",
    "cos(t)/sin(t) - ((cos(t)/sin(t))**2 + 1)/(2*cos(t)/sin(t)) = cos(2*t)/sin(2*t)",
    "sqrt(2)*sin(t) - 2*((sqrt(2)*sin(t))**3 - sqrt(2)*sin(t)) = sqrt(2)*sin(3*t)",
)
ON_CYCLES, ON_CHAOS = (3.2, 3.5), (3.7, 3.9)
WHOLE_CYCLE = 4


@sg.analysis(
    question="How fast do known maps stretch, training steps among them, and what does that do to gradients?",
    reference=(
        "Benettin et al. (1980), Meccanica 15:9; Sprott (2003), Chaos and Time-Series Analysis, appendix A; Mikhaeil, "
        "Monfared & Durstewitz (2022), NeurIPS, On the difficulty of learning chaotic dynamics with RNNs"
    ),
)
def lyapunov(scale: sg.Scale) -> sg.Report:
    """Measured exponents of a dozen maps agree with exact values and published digits within their standard errors.

    Where the largest exponent is negative the gradient in a parameter stays bounded at every depth; where it is
    positive it grows at just that rate. Newton's map and gradient descent are in the same table.
    """
    return sg.Report(
        sg.Formula(
            r"\lambda_i = \lim_{n\to\infty} \frac1n \log \sigma_i\left(\prod_{k=1}^{n} f'(x_{k-1})\right)",
            "the exponents, in nats per step",
        ),
        *the_table(scale),
        *the_exact_ones(scale),
        *along_a_parameter(scale),
        *gradients(scale),
        *spacing(scale),
    )


def the_table(scale: sg.Scale):
    """Return the known maps with what was measured, and the maps whose orbits die."""
    orbits, steps = (40, 100) if scale.quick else (400, 500)
    rows, worst = [], 0.0
    for name, text, start, known, source in KNOWN[: 4 if scale.quick else None]:
        layer = sg.Map.from_text(text, XY if len(start) == 2 else "x")
        found = lyapunov_spectrum(layer, start, steps=steps, orbits=orbits, transient=200, seed=1)
        for i, (value, error, truth) in enumerate(zip(found.exponents, found.standard_error, known, strict=True)):
            off = abs(value - truth)
            sigmas = off / error if error > 1e-9 else 0.0
            worst = max(worst, sigmas)
            measured = f"{value:.5f} ± {error:.1g}" if error > 1e-9 else f"{value:.10f}"
            shown = f"{truth:.5f}" if source == SPROTT else f"{truth:.10f}"
            exact = "" if found.sum_exact is None or i else f"`{found.sum_exact}`"
            rows.append((name if i == 0 else "", shown, measured, f"{off:.1g}", exact, source if i == 0 else ""))
    for name, text in DYING:
        found = lyapunov_spectrum(sg.Map.from_text(text, "x"), 0.1, steps=500)
        rows.append((f"{name} map, from 0.1", f"{LOG2:.10f}", "none", "–", f"`{found.sum_exact}`", found.status))
    return (
        sg.Table(
            ("map", "known", f"measured, {orbits} orbits of {steps} steps", "difference", "exact sum", "source"),
            rows,
            "Errors are standard errors over the orbits, whose starts are scattered by 1e-4; 200 steps before them are "
            f"not measured. The largest difference is {worst:.1f} standard errors. Exact sums are log|det J|, derived "
            "where it does not depend on the state.",
        ),
    )


def the_exact_ones(scale: sg.Scale):
    """Return the substitutions that make three of the maps multiply an angle, each proved."""
    return (
        sg.Text(
            "Three maps of the table only multiply an angle, so their exponents for almost every start are the "
            r"logarithms of 2, 2 and 3. Gradient descent on $(x^2-1)^2/4$ with $\eta = 2$ triples an angle: from "
            "almost every start in its interval, training never settles. Each substitution is proved:"
        ),
        *(sg.Claim(text).examine() for text in CLAIMS[: 1 if scale.quick else None]),
    )


def along_a_parameter(scale: sg.Scale):
    """Return the exponents of the logistic map and of gradient descent along their parameters, with errors."""
    count, orbits, steps = (21, 3, 60) if scale.quick else (241, 6, 400)
    panels = []
    for layer, name, low, high, xlabel, title, marks in (
        (LOGISTIC, "r", 2.8, 4.0, "$r$", "logistic map", [(4.0, LOG2)]),
        (DESCENT, "eta", 0.4, 2.0, r"step size $\eta$", "gradient descent on $(x^2-1)^2/4$", [(2.0, LOG3)]),
    ):
        values = np.linspace(low, high, count)
        found = lyapunov_spectrum(layer, 0.3, parameters={name: values}, steps=steps, orbits=orbits, transient=400)
        mean, error = found.exponents[0], np.nan_to_num(found.standard_error[0])
        mean = np.where(np.isfinite(mean), mean, np.nan)
        layers = [
            Band(values, mean - 2 * error, mean + 2 * error, "± 2 standard errors"),
            Line(values, mean, r"measured $\lambda$"),
            exact_branch(layer, low, high),
            Points(
                *map(list, zip(*marks, strict=True)), "exact, last parameter", colour="black", marker="star", size=12.0
            ),
            HorizontalLine(0.0, ""),
        ]
        panels.append(Panel(layers, xlabel, r"$\lambda$ [nats per step]", title, ylim=(-1.6, 1.3), legend="below"))
    return (
        sg.Figure(
            panels,
            "Below zero the orbit settles on a cycle and products of factors vanish; above it they explode. Dips reach "
            "−∞ where a cycle passes a point of slope zero. Where no band shows, "
            "it is thinner than the line. The dashed line is the exact rate of the fixed point, "
            "the star the exact rate of the last parameter.",
            alt="Two curves of Lyapunov exponents against a parameter, negative first, positive to the right.",
            columns=2,
            size=(11.0, 4.6),
        ),
    )


def exact_branch(layer, low, high):
    """Return the exact rate of the stable fixed point, log|2 - r| or log|1 - 2η|."""
    at = np.linspace(low, 3.0 if layer is LOGISTIC else 1.0, 200)
    slope = np.abs(2 - at) if layer is LOGISTIC else np.abs(1 - 2 * at)
    rate = np.log(np.where(slope > 0, slope, np.nan))
    return Line(at, np.where(rate > -1.6, rate, np.nan), "exact, fixed point", stroke="dashed", colour="black")


def gradients(scale: sg.Scale):
    """Return the size of dx_n/dr with depth, on cycles and on chaos, beside the measured exponents."""
    starts, last = (9, 60) if scale.quick else (101, 400)
    depths, system = np.arange(WHOLE_CYCLE, last + 1), system_of(WITH_GRADIENT)
    panels, rows = [], []
    for parameters, title in ((ON_CYCLES, "on cycles"), (ON_CHAOS, "on chaos")):
        layers = []
        for r, colour in zip(parameters, ("vermillion", "blue"), strict=True):
            state, sizes = np.array([np.linspace(0.2, 0.8, starts), np.zeros(starts)]), []
            for _ in range(last):
                state, _ = system.advance(state, {"r": r})
                sizes.append(np.abs(state[1]))
            logs = np.log10(np.lib.stride_tricks.sliding_window_view(sizes, WHOLE_CYCLE, axis=0).max(axis=-1))
            low, middle, high = np.quantile(logs, (0.1, 0.5, 0.9), axis=1)
            found = lyapunov_spectrum(
                LOGISTIC, 0.3, parameters={"r": r}, steps=400, orbits=4 if scale.quick else 100, transient=400
            )
            rate, error = float(found.exponents[0]), float(found.standard_error[0])
            layers += [
                Line(depths, middle, f"r = {r:g}: median of {starts} starts", colour=colour),
                Band(depths, low, high, "the middle 80 % of them", colour=colour),
            ]
            if rate > 0:
                pace = rate * depths / math.log(10)
                layers.append(Line(depths, pace, f"r = {r:g}: $e^{{\\lambda n}}$", stroke="dashed", colour="black"))
            slope = float(np.polyfit(depths[depths > 20], middle[depths > 20], 1)[0]) * math.log(10)
            rows.append(
                (
                    f"r = {r:g}, {title}",
                    f"{rate:.4f} ± {error:.1g}" if error > 1e-9 else f"{rate:.4f}",
                    f"{round(slope, 4) + 0.0:.4f}",
                    f"{middle[-1]:.3g}",
                )
            )
        label = r"$\log_{10}|dx_n/dr|$"
        panels.append(Panel(layers, "depth $n$", label, title, legend="below"))
    return (
        sg.Figure(
            panels,
            "The gradient of the last state in the parameter, s ← r(1 − 2x)s + x(1 − x) beside x, the largest of "
            "the last four depths; bands hold 80 % of the starts. Left, on attracting cycles: it is bounded at every "
            "depth, although the chain product vanishes. Right, on chaos: it grows at the rate of the exponent.",
            alt="Left: gradients level off with depth. Right: gradients grow exponentially along dashed lines.",
            columns=2,
            size=(11.0, 4.8),
        ),
        sg.Table(
            ("logistic map", "λ [nats per step]", "growth of the gradient [nats per step]", "log₁₀ of it at the end"),
            rows,
            f"The growth is the slope of the median log|dx_n/dr| over depths 20 to {depths[-1]}.",
        ),
    )


def spacing(scale: sg.Scale):
    """Return what a fixed count of steps between orthonormalisations does to the smallest exponent of Hénon's map."""
    steps, points = (200, 20) if scale.quick else (600, 100)
    system = system_of(HENON)
    state = 0.1 + 1e-3 * np.random.default_rng(0).uniform(-1, 1, (2, points))
    for _ in range(100):
        state, _ = system.advance(state, {})
    rows = []
    for every in (1, 5, 10, 15, 20, 30):
        here, frame, sums = state, identity(2, points), np.zeros((2, points))
        for count in range(1, steps + 1):
            here, (factor,) = system.advance(here, {})
            frame = factor.times(frame)
            if count % every == 0 or count == steps:
                frame, diagonal, _ = orthonormalised(frame)
                with np.errstate(divide="ignore"):
                    sums += np.log(diagonal)
        rates = sums.mean(axis=1) / steps
        label = "every step" if every == 1 else f"every {every} steps"
        off = f"{rates.sum() - math.log(0.3):.2g}" if np.isfinite(rates).all() else "lost"
        rows.append((label, *(f"{rate:.6g}" if np.isfinite(rate) else "lost" for rate in rates), off))
    found = lyapunov_spectrum(HENON, state, steps=steps)
    own = found.exponents.mean(axis=1)
    off = float(found.sum_measured.mean()) - math.log(0.3)
    rows.append((f"by spread: {found.orthonormalisations} in {steps} steps", *(f"{v:.6g}" for v in own), f"{off:.2g}"))
    return (
        sg.Table(
            ("orthonormalised", "λ₁", "λ₂", "sum − log(3/10)"),
            rows,
            f"Hénon's map, the same {points} orbits of {steps} steps. The largest exponent never notices. The smallest "
            "is lost once the columns have spread by more than float64 holds, here by 2.04 nats per step; measuring "
            "the spread costs nothing and needs no choice of a count.",
        ),
    )
