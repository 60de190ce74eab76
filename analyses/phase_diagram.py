"""Wide random networks: the (σ_w, σ_b) plane, its critical line, finite width against the theory, and skips."""

import math

import numpy as np

import symgrad as sg
from symgrad.phenomena.meanfield.correlations import mean_field
from symgrad.phenomena.meanfield.criticality import critical_line, critical_points
from symgrad.phenomena.meanfield.finite_width import finite_width, gaussian_exponents, log_variance_per_layer
from symgrad.phenomena.meanfield.length_maps import end_of_moments, length_map
from symgrad.phenomena.meanfield.networks import estimate, linear_exponents, simulate
from symgrad.phenomena.meanfield.nonlinearities import nonlinearity
from symgrad.phenomena.meanfield.phase_planes import phase_plane
from symgrad.phenomena.meanfield.trajectories import residual_law, trajectory
from symgrad.report import Heatmap, HorizontalLine, Line, Panel, Points

TANH, RELU, LINEAR = (nonlinearity(name) for name in ("tanh", "relu", "identity"))
WIDTH, BIAS, SEED = 512, 0.05, 0
DEEPEST = 2.5
SHOWN = ("identity", "relu", "leaky_relu", "tanh", "erf", "sin", "selu", "elu", "gelu", "silu", "softplus", "exp")
ROOT_WEIGHTS = np.array([0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0])


@sg.analysis(
    question="At which initialisation do the gradients of a wide network neither vanish nor explode?",
    reference=(
        "Poole et al. (2016), arXiv 1606.05340; Schoenholz et al. (2017), arXiv 1611.01232; Cho & Saul (2009), NIPS "
        "22; Hanin & Nica (2020), Comm. Math. Phys. 376:287; Newman (1986), Comm. Math. Phys. 103:121; Yang & "
        "Schoenholz (2017), arXiv 1712.08969; Balduzzi et al. (2017), arXiv 1702.08591"
    ),
)
def phase_diagram(scale: sg.Scale) -> sg.Report:
    """On one curve in the (σ_w, σ_b) plane, and there only the mean keeps its size: the typical gradient still decays.

    At width n the median squared gradient falls by β/(2n) nats per layer below the mean one, and gradients at two
    inputs lose their correlation with depth unless skip connections with scaled branches carry it.
    """
    return sg.Report(
        sg.Formula(
            r"q' = \sigma_w^2\,E\,\varphi(\sqrt{q}\,z)^2 + \sigma_b^2,\qquad "
            r"\chi_1 = \sigma_w^2\,E\,\varphi'(\sqrt{q^*}\,z)^2,\qquad \xi = 1/|\log\chi_1|",
            "length map, growth of the squared gradient per layer, depth scale",
        ),
        *the_plane(scale),
        *([] if scale.quick else the_slice()),
        *the_table(scale),
        *typical_and_mean(scale),
        *([] if scale.quick else skips()),
        *([] if scale.quick else closed_forms()),
    )


def bars(x, measured, label, colour):
    """Return points with bars of one standard error."""
    x, mean, error = (np.atleast_1d(part) for part in (x, measured.mean, measured.error))
    gaps = np.full(x.shape, np.nan)
    ends = np.stack([mean - error, mean + error, gaps], axis=1).ravel()
    return [
        Line(np.stack([x, x, gaps], axis=1).ravel(), ends, colour=colour, width=1.2),
        Points(x, mean, label, colour=colour, size=4.5),
    ]


def growths(run, settle):
    """Return each network's mean growth of the squared gradient per layer, once its length has settled."""
    return np.exp(np.diff(run.log_gradients[:, settle:], axis=1)).mean(axis=1)


def growth_minus_one(sigma_w2, sigma_b2, networks, depth=24, settle=8):
    """Return the measured growth of the squared gradient per layer, less 1."""
    found = simulate(TANH, width=WIDTH, depth=depth, networks=networks, sigma_w2=sigma_w2, sigma_b2=sigma_b2, seed=SEED)
    return estimate(growths(found, settle) - 1.0)


def measured_crossing(sigma_b, networks):
    """Return where the measured growth crosses 1, with its standard error, from a line through three places."""
    (point,) = critical_points(TANH, sigma_b2=sigma_b**2)
    centre = math.sqrt(point.sigma_w2)
    places = centre * np.array([0.93, 1.0, 1.07])
    rates = [growth_minus_one(w * w, sigma_b**2, networks) for w in places]
    slope, level = np.polyfit(places - centre, [float(r.mean) for r in rates], 1)
    error = math.sqrt(sum(float(r.error) ** 2 for r in rates)) / 3 / slope
    return centre - level / slope, error, centre


def the_plane(scale):
    """Return the plane of tanh with its depth scales, its critical line and where networks were seen critical."""
    count = 17 if scale.quick else 81
    weights, biases = np.linspace(0.6, 2.2, count), np.linspace(0.01, 1.0, count)
    plane = phase_plane(TANH, weights, biases, correlations=not scale.quick)
    line = critical_line(TANH, np.concatenate([[0.0], np.logspace(-3, 0.7, 80)]))
    curve = Line(np.sqrt(line.sigma_w2), np.sqrt(np.maximum(line.sigma_b2, 0.0)), r"$\chi_1 = 1$", colour="vermillion")
    networks = 8 if scale.quick else 32
    places = (0.5,) if scale.quick else (0.1, 0.3, 0.5, 0.7, 0.9)
    crossings = [(b, *measured_crossing(b, networks)) for b in places]
    where, found, error, _ = np.array(crossings).T
    gaps = np.full(where.shape, np.nan)
    marks = [
        Line(
            np.stack([found - error, found + error, gaps], axis=1).ravel(),
            np.stack([where, where, gaps], axis=1).ravel(),
            colour="black",
            width=1.2,
        ),
        Points(found, where, f"measured, width {WIDTH}", colour="black", size=4.5),
    ]
    fields = {r"gradients: $\log_{10}\xi$ [layers]": plane.xi_gradient}
    if plane.xi_c is not None:
        fields[r"correlations: $\log_{10}\xi_c$ [layers]"] = plane.xi_c
    panels = [
        Panel(
            [Heatmap(weights, biases, np.log10(np.minimum(field, 1e6)), label, high=DEEPEST), curve, *marks],
            r"$\sigma_w$",
            r"$\sigma_b$",
            f"tanh: {label.partition(':')[0]}",
            xlim=(0.6, 2.2),
            ylim=(0.01, 1.0),
            legend="below",
        )
        for label, field in fields.items()
    ]
    rows = [(b, f"{c:.6f}", f"{f:.4f} ± {e:.4f}", f"{(f - c) / e:+.1f}") for b, f, e, c in crossings]
    return (
        sg.Figure(
            panels,
            "How deep a signal reaches. Left of the red curve gradients vanish in the mean and inputs become alike, "
            "right of it gradients explode and inputs are driven apart; on it both depth scales are infinite. The "
            f"black marks are where networks of width {WIDTH} were seen to do neither in the mean, with bars of one "
            "standard error where they are wider than the mark.",
            alt="Heat maps of the depth scales over σ_w and σ_b with a critical curve rising to the right.",
        ),
        sg.Table(
            (r"$\sigma_b$", r"$\sigma_w$ solved", r"$\sigma_w$ measured", "difference in standard errors"),
            rows,
            "The critical line of tanh, and where the growth of the squared gradient per layer, averaged over "
            f"{networks} networks of width {WIDTH} and layers 8 to 24, crosses 1 (a line through three places "
            "within 7 %).",
        ),
    )


def the_slice():
    """Return q, χ₁ and c* against σ_w at one σ_b, solved and measured."""
    (critical,) = critical_points(TANH, sigma_b2=BIAS)
    dense = np.sort(np.append(np.linspace(0.7, 2.1, 36), math.sqrt(critical.sigma_w2)))
    solved = [mean_field(TANH, sigma_w2=w * w, sigma_b2=BIAS) for w in dense]
    networks, depth, settle = 32, 40, 25
    runs = [
        simulate(TANH, width=WIDTH, depth=depth, networks=networks, sigma_w2=w * w, sigma_b2=BIAS, seed=SEED)
        for w in ROOT_WEIGHTS
    ]
    measured = {
        "length $q$": [r.lengths[:, settle:].mean(axis=1) for r in runs],
        r"growth $\chi_1$": [growths(r, settle) for r in runs],
        "correlation $c^*$": [r.correlations[:, settle:].mean(axis=1) for r in runs],
    }
    theory = ([f.point.q for f in solved], [f.chi1 for f in solved], [f.c for f in solved])
    panels = []
    for (label, samples), curve in zip(measured.items(), theory, strict=True):
        found = estimate(np.array(samples).T)
        layers = [Line(dense, np.array(curve), "solved"), *bars(ROOT_WEIGHTS, found, f"width {WIDTH}", "vermillion")]
        panels.append(Panel(layers, r"$\sigma_w$", label, legend="below"))
    panels[1] = Panel(
        [*panels[1].layers, HorizontalLine(1.0)], r"$\sigma_w$", r"growth $\chi_1$ per layer", legend="below"
    )
    return (
        sg.Figure(
            panels,
            rf"A slice at $\sigma_b^2 = {BIAS}$: fixed length, growth of the squared gradient and fixed correlation, "
            f"solved for infinite width and measured in {networks} networks of width {WIDTH} (layers {settle} to "
            f"{depth}). Bars: one standard error. Where χ₁ passes 1 the correlation leaves 1; there it converges "
            "slowest, and depth 40 has not reached it.",
            alt="Three curves against σ_w with measured points on them.",
            columns=3,
            size=(13.3, 4.4),
        ),
    )


def the_table(scale):
    """Return critical points and what to set at width 512 over the activation table."""
    rows = []
    for name in SHOWN[:5] if scale.quick else SHOWN:
        phi = nonlinearity(name)
        for sigma_b2 in (0.0, BIAS):
            for point in critical_points(phi, sigma_b2=sigma_b2) or [None]:
                rows.append(critical_row(phi, sigma_b2, point))
    several = length_map(nonlinearity("gelu"), sigma_w2=2.0, sigma_b2=BIAS)
    fixed = "; ".join(f"q = {p.q:.6f} ({p.stability.word}, χ₁ = {p.chi1:.6f})" for p in several.fixed_points)
    return (
        sg.Text("**The critical line over the activation table**, solved, and what to set at a width of 512:"),
        sg.Table(
            ("φ", r"$\sigma_b^2$", r"$\sigma_w^2$", "$q$", "is that length stable?", "weight deviation", "reach"),
            rows,
            "σ_w² and q to the digits shown; the two step sizes of the quadrature differ by less than 1e-12. Reach: "
            "layers until the typical gradient at width 512 has fallen by a factor e on the critical line, 4n/β to "
            "first order in 1/n; β = 3Eφ'⁴/(Eφ'²)² − 1. A dash: no critical point, or no second moment at finite "
            "width.",
        ),
        sg.Text(
            f"A length map may have several fixed points. gelu at σ_w² = 2, σ_b² = {BIAS}: {fixed}; "
            f"{several.sentence}. exp has a finite Eφ² = exp(2q) at every fixed length, but no network of finite width "
            "has a second moment from its second layer on: the average of exp(2q) over the random length of a layer "
            f"is infinite (Eφ² passes 1e200 at q = {end_of_moments(nonlinearity('exp')):.0f})."
        ),
    )


def critical_row(phi, sigma_b2, point):
    """Return one row of the table of critical points."""
    if point is None:
        return (phi.text, sigma_b2, "—", "—", "—", "—", "—")
    length = 1.0 if point.q is None else point.q
    advice = finite_width(phi, WIDTH, sigma_w2=point.sigma_w2, sigma_b2=sigma_b2, q=length, chi1=1.0)
    fixed = "none" if sigma_b2 else "any"
    shown = fixed if point.q is None else f"{point.q:.10f}"
    stable = "—" if point.q is None else "yes" if point.stable else "no"
    return (
        phi.text,
        sigma_b2,
        f"{point.sigma_w2:.10f}",
        shown,
        stable,
        f"{advice.weight_deviation:.6f}",
        f"{advice.depth:.0f}" if end_of_moments(phi) is None else "—",
    )


def typical_and_mean(scale):
    """Return mean and median gradient of ReLU networks on the critical line, and the exact linear exponents."""
    width, depth, networks = 64, 60, 128 if scale.quick else 2048
    run = simulate(RELU, width=width, depth=depth, networks=networks, sigma_w2=2.0, sigma_b2=0.0, seed=SEED)
    layers = np.arange(depth + 1)
    beta = log_variance_per_layer(RELU, 1.0)
    squared = estimate(np.exp(run.log_gradients))
    nepers = estimate(run.log_gradients)
    every = slice(5, None, 6)
    curves = Panel(
        [
            Line(layers, np.zeros(depth + 1), "mean, solved: 0", colour="blue"),
            *bars(layers[every], log_of(squared, every), "log of the mean, measured", "blue"),
            Line(layers, -0.5 * beta * layers / width, r"typical, $-\beta L/2n$", colour="vermillion"),
            *bars(layers[every], pick(nepers, every), "mean of the log, measured", "vermillion"),
        ],
        "depth $L$",
        r"$\log$ of the squared gradient [nats]",
        f"ReLU, $\\sigma_w^2 = 2$, width {width}",
        legend="below",
    )
    spread = run.log_gradients[:, -1].var(ddof=1)
    return (
        sg.Text(
            r"**Mean and typical gradient.** On the critical line the *mean* squared gradient keeps its size, but its "
            r"logarithm is asymptotically Gaussian with variance $\beta L/n$ (β = 2 for linear layers, 5 for ReLU), "
            "so that the median falls: few networks carry the mean."
        ),
        sg.Figure(
            [curves] if scale.quick else [curves, exponents_panel()],
            f"Left: {networks} ReLU networks on the critical line. The mean squared gradient stays, the typical one "
            f"decays. Measured log-variance at depth {depth}: {spread:.3f}; βL/n = {beta * depth / width:.3f}. Right: "
            "Lyapunov exponents of products of Gaussian matrices, exact and measured; the largest is −1/(2n) to first "
            "order at any width. Bars: one standard error.",
            alt="Mean and typical gradients against depth; exponents of Gaussian products against their index.",
            columns=1 if scale.quick else 2,
            size=(7.2 if scale.quick else 11.0, 5.2),
        ),
        exponent_table(scale),
    )


def pick(found, every):
    """Return some of the layers of an estimate."""
    return type(found)(found.mean[every], found.error[every])


def log_of(found, every):
    """Return the logarithm of a positive estimate, its error to first order."""
    return type(found)(np.log(found.mean[every]), found.error[every] / found.mean[every])


def exponents_panel():
    """Return the exact and measured exponents of linear networks of three widths."""
    layers = []
    for width, colour in ((2, "sky"), (8, "blue"), (32, "vermillion")):
        exact = gaussian_exponents(width, deviation=width**-0.5)
        found = linear_exponents(width, deviation=width**-0.5, depth=40, networks=40, seed=SEED)
        place = (np.arange(width) + 0.5) / width
        layers += [
            Line(place, exact, f"exact, $n = {width}$", colour=colour),
            *bars(place, found, "measured" if width == 32 else "", colour),
        ]
    return [Panel(layers, r"$(i - \frac{1}{2})/n$", r"exponent $\lambda_i$ [nats per layer]", "linear", legend="below")]


def exponent_table(scale):
    """Return the largest and smallest exponents at the acceptance widths, exact and measured."""
    rows = []
    for width in (1, 2, 3, 8):
        exact = gaussian_exponents(width, deviation=1.0)
        found = linear_exponents(width, deviation=1.0, depth=50, networks=20 if scale.quick else 100, seed=SEED)
        worst = np.abs((found.mean - exact) / found.error).max()
        for which, index in (("largest", 0), *((("smallest", -1),) if width > 1 else ())):
            measured = f"{found.mean[index]:.4f} ± {found.error[index]:.4f}"
            rows.append((width, which, f"{exact[index]:.10f}", measured, f"{worst:.1f}"))
    return sg.Table(
        ("$n$", "exponent", "exact", "measured", "worst of all $n$, in standard errors"),
        rows,
        "Products of matrices with independent N(0, 1) entries: λ_i = (log 2 + ψ((n − i + 1)/2))/2 (Newman 1986), "
        "measured by QR along 50 factors of independent products.",
    )


def skips():
    """Return how gradients at two inputs decorrelate with depth, and how residual gradients grow."""
    depth, networks = 40, 48
    nets = {
        r"tanh, $\sigma_w^2 = 2.5$, plain": (TANH, 2.5, BIAS, None, "vermillion"),
        r"ReLU, $\sigma_w^2 = 2$, plain": (RELU, 2.0, 0.0, None, "orange"),
        r"ReLU with skips, branch 1": (RELU, 2.0, 0.0, 1.0, "sky"),
        r"ReLU with skips, branch $1/\sqrt{L}$": (RELU, 2.0, 0.0, depth**-0.5, "blue"),
    }
    layers, every = [], slice(4, None, 6)
    steps = np.arange(depth + 1)
    for name, (phi, weight, bias, branch, colour) in nets.items():
        given = {"sigma_w2": weight, "sigma_b2": bias, "depth": depth, "branch": branch, "correlation": 0.0}
        curve = trajectory(phi, **given).gradient_correlations
        run = simulate(phi, width=WIDTH, networks=networks, seed=SEED, **given)
        found = pick(estimate(run.gradient_correlations), every)
        layers += [
            Line(steps, curve, name, colour=colour),
            *bars(steps[every], found, f"measured, width {WIDTH}" if branch == depth**-0.5 else "", colour),
        ]
    far = 400
    tanh = trajectory(TANH, sigma_w2=2.0, sigma_b2=BIAS, depth=far, branch=1.0, correlation=1.0).log_gradients
    law = residual_law(TANH, sigma_w2=2.0, sigma_b2=BIAS)
    relu = trajectory(RELU, sigma_w2=2.0, sigma_b2=0.0, depth=far, branch=1.0, correlation=1.0).log_gradients
    scaled = trajectory(RELU, sigma_w2=2.0, sigma_b2=0.0, depth=far, branch=far**-0.5, correlation=1.0).log_gradients
    root = np.sqrt(np.arange(far + 1))
    growth = [
        Line(root, relu, r"ReLU, branch 1: $l\,\log 2$", colour="sky"),
        Line(root, tanh, "tanh, branch 1", colour="vermillion"),
        Line(
            root,
            tanh[-1] + law.coefficient * (root - root[-1]),
            rf"tail law, slope {law.coefficient:.3f}",
            stroke="dashed",
            colour="black",
        ),
        Line(root, scaled, r"ReLU, branch $1/\sqrt{L}$: ends at 1", colour="blue"),
    ]
    return (
        sg.Text(
            r"**Norm is not all.** Gradients at two unrelated inputs start parallel and lose their correlation. Plain "
            r"chaotic tanh loses it like $(\chi_{c^*}/\chi_1)^l$; for plain ReLU the exact law is a power of the "
            r"depth, since its inputs become alike, $\theta_l \sim 3\pi/l$: the rate $2^{-l}$ of Balduzzi et al. "
            r"(2017) assumes units that stay independent. A layer with a skip, $z + s(W\varphi(z) + b)$, multiplies "
            r"the squared gradient by $1 + s^2\sigma_w^2E\varphi'^2$ instead:"
        ),
        sg.Figure(
            [
                Panel(layers, "layer $l$", "correlation of the gradients", "shattering", legend="below"),
                Panel(
                    growth,
                    r"square root of the layer, $\sqrt{l}$",
                    r"$\log$ of the squared gradient [nats]",
                    "residual networks",
                    ylim=(-1.0, float(tanh[-1]) * 1.5),
                    legend="below",
                ),
            ],
            f"Left: lines for infinite width, points with bars of one standard error from {networks} networks of width "
            f"{WIDTH}. A skip beside a branch of full size keeps little more than none; scaled by 1/√L, most "
            "stays. Right: with skips the gradient of tanh grows like exp(const·√l), that of ReLU exponentially, "
            "unless branches are scaled by 1/√L.",
            alt="Correlation of gradients against depth with and without skips; residual gradient growth against √l.",
            columns=2,
            size=(11.0, 5.4),
        ),
    )


def closed_forms():
    """Return the closed forms' consistency with Price's theorem, proved."""
    return (
        sg.Text(
            r"**What the closed forms rest on.** ReLU and its kin: the arc-cosine kernels of Cho & Saul (2009); erf: "
            "Williams (1997). Each pair of a kernel and its slope kernel obeys Price's theorem "
            r"$\partial_c E\varphi\varphi = q\,E\varphi'\varphi'$, and each must meet the other at c = 1:"
        ),
        sg.Claim(
            "diff((sqrt(1 - c**2) + (pi - acos(c))*c)/(2*pi), c) = (pi - acos(c))/(2*pi) where -1 < c < 1"
        ).examine(),
        sg.Claim(
            "diff(2/pi*asin(2*q*c/(1 + 2*q)), c) = q*4/(pi*sqrt((1 + 2*q)**2 - 4*q**2*c**2)) where q > 0, -1 < c < 1"
        ).examine(),
        sg.Claim("(1 + 2*q)**2 - 4*q**2 = 1 + 4*q").examine(),
    )
