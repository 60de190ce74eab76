"""The deep scalar net ∏ w_i x: valley, convex band, step field, catapults and balance, each proved and measured."""

import numpy as np

import symgrad as sg
from symgrad.derivation import deep_product as recognise
from symgrad.maps import apply_slice
from symgrad.phenomena.cliffs.deep_slices import slice_cliffs
from symgrad.report import Arrows, Contours, Heatmap, Line, Panel, Points, Regions, Trajectory, VerticalLine
from symgrad.symbols import n

LAYERS = 6
LOSS = "(x - 1)**2"
ETA = 1 / 30
STARTS = {"u": np.array([1.9, 1.3, 1.4, 0.9]), "v": np.array([0.54, 1.1, 0.6, 0.3])}
BOX = {"u": (-2, 2), "v": (-2, 2)}
NET = sg.stack(sg.Map("w*x", "x"), n)


def halves(layers):
    """Return the net of so many layers in which the first half shares the weight u and the second half v."""
    half = layers // 2
    net = sg.stack(sg.Map("w*x", "x"), layers)
    return apply_slice(net, f"u=w[1..{half}], v=w[{half + 1}..{layers}]").composition


SLICE = halves(LAYERS)
GRADIENT = sg.gradient(SLICE, LOSS, wrt="u,v")
DEEP = recognise(SLICE, LOSS, start=1)


@sg.analysis(
    question="Why does the product of several weights make cliffs, and where is its valley?",
    reference=(
        "Goodfellow, Bengio & Courville (2016), Deep Learning, section 8.2.4; Du, Hu & Lee (2018), Algorithmic "
        "regularization in learning deep homogeneous models (arXiv 1806.00900); Lewkowycz et al. (2020), The large "
        "learning rate phase of deep learning (arXiv 2003.02218)"
    ),
)
def deep_product(scale: sg.Scale) -> sg.Report:
    """The step that would reach the floor is 1/(4 p^2 sum 1/w_i^2): large weights make it tiny, and that is the cliff.

    Around the valley p = y the loss is convex only in the thin band (n-1)/(2n-1) < p/y < 1. A fixed step size makes the
    unbalanced ends of the valley unstable: there a descent jumps to and fro until its weights balance.
    """
    kernel = sg.to_kernel(GRADIENT)
    path = sg.to_kernel(sg.gradient_step(GRADIENT, eta="1/30"))(STARTS, 1.0, steps=30 if scale.quick else 120)
    return sg.Report(
        sg.Formula(r"L = (p - y)^2,\quad p = x\prod_{i=1}^{n} w_i", "a net of n layers with one unit each"),
        sg.Formula(sg.gradient(NET, "(x - y)**2", wrt="w").latex("w"), "its derivative in the weight of layer t"),
        *the_surface(kernel, scale),
        *one_step_size(kernel, path, scale),
        *balance(path, scale),
        *far_out_and_ridge(scale),
    )


def the_surface(kernel, scale):
    """Return where the loss is convex, and the step field with the exact cliff regions and descent directions."""
    swept = sg.sweep(kernel, *(sg.Axis(name, *BOX[name], scale.points) for name in BOX), start=1.0)
    us, vs = (axis.values for axis in swept.axes)
    product = swept.outcome.state[0]
    log_norm = np.logaddexp(*(2 * swept.outcome.gradient[name].log_abs for name in BOX))
    log_loss = swept.outcome.loss.log_abs
    tuned = np.full_like(log_norm, np.nan)
    finite = np.isfinite(log_norm) & np.isfinite(log_loss)
    tuned[finite] = (log_loss[finite] - log_norm[finite]) / np.log(10)
    cliffs = slice_cliffs(DEEP, BOX)
    outlines = [Line(*line.T, colour="black", width=1.0) for region in cliffs.regions for line in region.outline]
    area = sum(region.area for region in cliffs.regions)
    low = float(DEEP.band.low)
    codes = np.select([product < 0, product <= low, product < 1], [3, 0, 1], 2)
    names = {0: f"0 ≤ p ≤ {DEEP.band.low}", 1: "convex band", 2: "p ≥ 1, beyond", 3: "p < 0"}
    colours = {0: "white", 1: "orange", 2: "sky", 3: "grey"}
    valley = Contours(us, vs, product, (1.0,), "valley p = 1", colour="vermillion", width=2.0)
    field = Heatmap(us, vs, tuned, r"$\log_{10}\,\eta_P$", low=-6, high=2, missing="plateau: no step reaches the floor")
    law = DEEP.evidence
    return (
        sg.Text(
            f"Six layers, three with the weight u and three with the weight v, $x = y = 1$. The valley is "
            f"`{DEEP.equation}`, the convex band `{DEEP.band.condition}`; both are proved for any number of weights, "
            "in any slice, with $p$ written as $q\\,a^m b^d$ in any two of them:"
        ),
        law["gradient"],
        law["hessian"],
        law["inertia"],
        law["band"],
        sg.Figure(
            [
                Panel(
                    [Regions(us, vs, codes, names, colours=colours), valley],
                    "$u$",
                    "$v$",
                    "where it is convex",
                    legend="below",
                ),
                Panel(
                    [field, valley, *outlines, directions(kernel)],
                    "$u$",
                    "$v$",
                    r"the step that reaches the floor, $\eta_P$",
                    legend="below",
                ),
            ],
            "Left: the loss is convex only in the orange band along the valley. Right: the step that would reach the "
            "floor, arrows in the direction of descent; outlined are the "
            f"{len(cliffs.regions)} cliff regions, {area:.1%} of the box, where that step is more than "
            f"{cliffs.kappa:g} times smaller than at the least sharp point of the valley.",
            alt="Two maps of the (u, v) plane: the convex band along the valley, and the step field with arrows.",
            columns=2,
            size=(10.5, 6.0),
        ),
        law["step field"],
        sg.Text("The largest gradient of the box stands at a corner, because everything in it grows with the weights:"),
        cliffs.evidence,
        law["growth"],
    )


def directions(kernel):
    """Return arrows of one length along the descent, on a coarse grid away from the axes."""
    ticks = np.arange(-1.75, 1.76, 0.5)
    u, v = (part.ravel() for part in np.meshgrid(ticks, ticks, indexing="ij"))
    slopes = [kernel(1.0, {"u": u, "v": v}).gradient[name].value for name in BOX]
    length = np.hypot(*slopes)
    return Arrows(u, v, *(-0.22 * slope / length for slope in slopes), colour="white")


def one_step_size(kernel, path, scale):
    """Return what one gradient step of a fixed size does everywhere, the unstable part of the valley, and catapults."""
    ticks = np.linspace(-2, 2, scale.points)
    u, v = np.meshgrid(ticks, ticks, indexing="ij")
    here = kernel(1.0, {"u": u, "v": v})
    after = [w - ETA * here.gradient[name].value for w, name in ((u, "u"), (v, "v"))]
    there = kernel(1.0, {"u": after[0], "v": after[1]})
    outside = np.maximum(np.abs(after[0]), np.abs(after[1])) > 2
    codes = np.select([outside, there.loss.log_abs > here.loss.log_abs], [2, 1], 0)
    shares = [f"{np.mean(codes == code):.1%}" for code in range(3)]
    names = {0: f"loss falls, {shares[0]}", 1: f"loss rises, {shares[1]}", 2: f"leaves box, {shares[2]}"}
    flow = Regions(ticks, ticks, codes, names, colours={0: "white", 1: "yellow", 2: "grey"})
    thrown, jumping = (path.positions[:, :, i].T for i in (1, 0))
    walk = Trajectory(*thrown[:, :21], "from (1.3, 1.1)", colour="purple")
    steps, largest, last = len(path.losses) - 1, path.losses.max(axis=0), path.losses[-1]
    jumps = [
        Points(*jumping, f"{steps} steps", colour="blue", size=3.0),
        Trajectory(*jumping[:, :9], "the first 8", colour="purple"),
    ]
    figure = sg.Figure(
        [
            Panel(
                [flow, *valley_parts(2.0), walk],
                "$u$",
                "$v$",
                "one gradient step",
                legend="below",
                xlim=(-2, 2),
                ylim=(-2, 2),
            ),
            Panel(
                [*valley_parts(2.1), *jumps],
                "$u$",
                "$v$",
                "the descent from (1.9, 0.54), enlarged",
                legend="below",
                xlim=(1.55, 2.0),
                ylim=(0.46, 0.68),
            ),
        ],
        "Left: what one gradient step of size 1/30 does, by its start. The start (1.3, 1.1) is thrown across the "
        f"valley onto the plateau, where its loss is still {last[1]:.4f} after {steps} steps; 20 of them are drawn. "
        "Right: beside the unstable part of the valley the steps jump from one side to the other; each jump moves them "
        f"towards balance, which ends at $u = \\sqrt{{3}}$ = {np.sqrt(3):.4f}, where the valley turns stable.",
        alt="Map of the plane by the effect of one gradient step, and an enlarged descent beside the valley.",
        columns=2,
        size=(10.5, 6.0),
    )
    return (
        sg.Text(
            f"One step size, $\\eta = 1/30$. The valley is unstable where `{DEEP.unstable}`, that is for "
            r"$|u| > \sqrt{3}$ and for $|u| < 1/\sqrt{3}$:"
        ),
        DEEP.evidence["sharpness"],
        DEEP.evidence["balanced"],
        DEEP.evidence["stability"],
        sg.Claim("9/30*(u**-2 + u**2) - 1 = 3*(u**2 - 3)*(u**2 - 1/3)/(10*u**2)").examine(),
        *([] if scale.quick else [figure]),
        sg.Table(
            ("start (u, v)", "loss", "largest loss on the way", f"loss after {steps} steps", "end (u, v)"),
            [
                (
                    f"({path.positions[0, 0, i]:g}, {path.positions[0, 1, i]:g})",
                    f"{path.losses[0, i]:.4f}",
                    f"{largest[i]:.4f}",
                    f"{last[i]:.1e}" if last[i] > 1e-20 else "below 1e-20",
                    f"({path.positions[-1, 0, i]:.4f}, {path.positions[-1, 1, i]:.4f})",
                )
                for i in range(4)
            ],
            "Measured in float64.",
        ),
        *two_weights(),
    )


def valley_parts(reach):
    """Return the two branches of the valley, stable and unstable for the step size."""
    root = np.sqrt(3)
    lines = []
    for sign in (1, -1):
        stable, high, low = (
            np.geomspace(*ends, 41) for ends in ((1 / root, root), (root, reach), (1 / reach, 1 / root))
        )
        gap = np.array([np.nan])
        ends = np.concatenate([high, gap, low])
        labels = ("valley, stable", "valley, unstable") if sign == 1 else ("", "")
        lines.append(Line(sign * stable, sign / stable, labels[0], colour="green", width=2.6))
        lines.append(Line(sign * ends, sign / ends, labels[1], colour="vermillion", width=2.6))
    return lines


def two_weights():
    """Return the exact error law where two weights are free and the others are frozen."""
    sliced = apply_slice(sg.stack(sg.Map("w*x", "x"), LAYERS), "u=w[1], v=w[2]").composition
    deep = recognise(sliced, "(x - y)**2", start=1, parameters={"w": [1, 1, 1, 1]})
    return (
        sg.Text("Where two weights alone are free and the others are frozen to the product c, the error obeys a law:"),
        deep.evidence["two weights"],
        sg.Text(
            r"At $e = 0$ the factor is $1 - 2\eta c^2(u^2 + v^2)$: the valley is unstable outside the circle "
            r"$u^2 + v^2 = 1/(\eta c^2)$."
        ),
    )


def balance(path, scale):
    """Return the law of balance for one gradient step, proved, and measured along descents."""
    us, vs = path.positions[:, 0], path.positions[:, 1]
    imbalance = us**2 - vs**2
    product = us**3 * vs**3
    force = 2 * (product - 1) * product
    predicted = imbalance[0] * np.cumprod(1 - (3 * ETA * force / (us * vs)) ** 2, axis=0)
    gap = np.max(np.abs(imbalance[1:] - predicted[:-1]) / np.abs(imbalance[0]))
    lines = [
        Line(np.arange(len(imbalance)), imbalance[:, i] / imbalance[0, i], f"from ({u:g}, {v:g})")
        for i, (u, v) in enumerate(zip(*STARTS.values(), strict=True))
    ]
    figure = sg.Figure(
        Panel(
            lines, "gradient step", r"$(u^2 - v^2)\,/\,(u_0^2 - v_0^2)$", "imbalance along the descent", legend="right"
        ),
        "The imbalance along four descents with step size 1/30, relative to its start. It falls while steps "
        "are long: at once where a start is thrown, and step after step along the unstable valley. The product of "
        f"the factors above differs from the imbalance measured by at most {gap:.0e} of its start.",
    )
    return (
        sg.Text("Gradient flow conserves the imbalance of two weights; a step of size $\\eta$ changes it by a factor:"),
        DEEP.evidence["balance"],
        *([] if scale.quick else [figure]),
    )


def far_out_and_ridge(scale):
    """Return the exponent of the escarpment and the width of its inner ridge, derived against measured."""
    depths = (2, 6, 20) if scale.quick else (2, 4, 6, 10, 20, 50)
    rows, exponents = [], []
    z = np.linspace(-6, 0.35, 400)
    curves = []
    for depth in depths:
        chain = halves(depth)
        deep = recognise(chain, LOSS, start=1)
        exponents.append((measured_exponent(chain), deep.exponent))
        distance, width = inner_ridge(depth)
        rows.append(
            (depth, str(deep.exponent), f"{exponents[-1][0]:.9f}", f"{depth * distance:.4f}", f"{depth * width:.4f}")
        )
        if depth in (2, 6, 20, 50) and not scale.quick:
            curves.append(Line(z, ray_gradient(depth, np.exp(z / depth)) / depth, f"n = {depth}"))
    power = np.exp(z)
    curves.append(Line(z, 2 * power * np.abs(1 - power), "limit 2p|1 − p|", colour="black", stroke="dashed"))
    smooth = np.linspace(2, depths[-1], 400)
    figure = sg.Figure(
        [
            Panel(
                [
                    Line(smooth, (2 * smooth - 2) / (2 * smooth - 1), "(2n − 2)/(2n − 1), derived", colour="grey"),
                    Points(depths, [value for value, _ in exponents], "measured far out", colour="vermillion"),
                ],
                "$n$",
                r"$d\log\Vert H\Vert\,/\,d\log\Vert\nabla L\Vert$",
                "type exponent",
            ),
            Panel(
                [*curves, VerticalLine(0.0, "valley p = y")],
                r"$n\,\log r$",
                r"$|dL/dr|\,/\,n$",
                "the inner ridge, on one scale",
                legend="auto",
                ylim=(0, 1.6),
            ),
        ],
        "Left: the type exponent measured between u = v = 1000 and 1100, on the derived curve. "
        "Right: the gradient along the balanced ray, all weights equal to r, in units of n: one curve for all "
        "depths, so the ridge is as wide as 1/n and as high as n.",
        columns=2,
    )
    return (
        sg.Text("Far out the surface is a power, and its curvature grows more slowly than its steepness:"),
        DEEP.evidence["exponent"],
        sg.Text(
            "On the near side of the valley stands a ridge of the gradient, whose distance and width shrink like 1/n:"
        ),
        DEEP.evidence["ridge"],
        *([] if scale.quick else [figure]),
        sg.Table(
            (
                "n",
                "exponent, derived",
                "measured",
                "n × distance of the ridge from the valley",
                "n × width at half height",
            ),
            rows,
            "Measured in float64; the last two columns tend to log 2 = 0.6931 and log(3 + 2√2) = 1.7627, the values of "
            "the limit curve.",
        ),
    )


def measured_exponent(chain):
    """Return d log‖H‖ / d log‖∇L‖ between u = v = 1000 and 1100, from second derivatives."""
    kernel = sg.to_kernel(sg.gradient(chain, LOSS, wrt="u,v", second_order=True))
    far = np.array([1000.0, 1100.0])
    outcome = kernel(1.0, {"u": far, "v": far})
    slope = np.logaddexp(*(2 * outcome.gradient[name].log_abs for name in BOX)) / 2
    bends = [(outcome.hessian["u", "u"], 0), (outcome.hessian["u", "v"], np.log(2)), (outcome.hessian["v", "v"], 0)]
    bend = np.logaddexp.reduce([2 * entry.log_abs + twice for entry, twice in bends]) / 2
    return float(np.diff(bend)[0] / np.diff(slope)[0])


def ray_gradient(depth, r):
    """Return |dL/dr| on the balanced ray, all weights equal to r."""
    outcome = sg.to_kernel(sg.gradient(sg.Map("w*x", "x") ** depth, LOSS, wrt="w"))(1.0, {"w": r})
    return np.abs(outcome.gradient["w"].value)


def inner_ridge(depth):
    """Return the distance of the inner ridge from the valley, and its width at half its height, along the ray."""
    r = 1 - np.linspace(0, min(1.0, 12 / depth), 20_001)[::-1]
    height = ray_gradient(depth, r)
    top = int(np.argmax(height))
    above = r[height > height[top] / 2]
    return 1 - r[top], above[-1] - above[0]
