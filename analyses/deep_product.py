"""The deep scalar net ∏ w_i x: valley, plateau, convex band and balance, each proved, and its cliffs."""

import numpy as np
import sympy

import symgrad as sg
from symgrad.report import Contours, Heatmap, Line, Panel, Regions
from symgrad.symbols import n, real, x

LAYERS = 6
LOG10 = np.log(10.0)
NET = sg.stack(sg.Map("w*x", "x"), n)
SLICE = sg.stack([sg.Map("u*x", "x")] * 3 + [sg.Map("v*x", "x")] * 3)
WEIGHTS = [real(f"w{i}") for i in range(1, LAYERS + 1)]
OUTPUT = x * sympy.prod(WEIGHTS)
TARGET = real("y")
LOSS = (OUTPUT - TARGET) ** 2


def second_derivative(first, second):
    """Return the entry of the Hessian of the loss in two weights."""
    return sg.differentiate(sg.differentiate(LOSS, first), second)


@sg.analysis(
    question="Why does the product of several weights make cliffs, and where is its valley?",
    reference=(
        "Goodfellow, Bengio & Courville (2016), Deep Learning, section 8.2.4; Du, Hu & Lee (2018), Algorithmic "
        "regularization in learning deep homogeneous models (arXiv 1806.00900)"
    ),
)
def deep_product(scale: sg.Scale) -> sg.Report:
    """The step that would reach the floor is 1/(4 p^2 sum 1/w_i^2): large weights make it tiny, and that is the cliff.

    Around the valley p = y the loss is convex only in the thin band (n-1)/(2n-1) < p/y < 1, and every gradient step
    moves the weights towards balance or past it by a factor known in advance.
    """
    return sg.Report(
        sg.Formula(r"L = (p - y)^2,\quad p = x\prod_{i=1}^{n} w_i", "a net of n layers with one unit each"),
        sg.Formula(sg.gradient(NET, "(x - y)**2", wrt="w").latex("w"), "its derivative in the weight of layer t"),
        *valley_and_step(),
        *convex_band(),
        slice_figure(scale),
        *balance(scale),
    )


def valley_and_step():
    """Return the gradient through the output p, and the step that would reach the floor."""
    first = WEIGHTS[0]
    slope = 2 * (OUTPUT - TARGET) * OUTPUT / first
    norm = sum(sg.differentiate(LOSS, weight) ** 2 for weight in WEIGHTS)
    tuned = 1 / (4 * OUTPUT**2 * sum(1 / weight**2 for weight in WEIGHTS))
    return (
        sg.Text(
            "Through the output the derivative in any weight is short. It vanishes on the valley $p = y$ and on the "
            f"plateau where two weights are 0. Proved for {LAYERS} layers:"
        ),
        sg.Claim(sg.differentiate(LOSS, first), "=", slope).examine(),
        sg.Text("Loss over squared gradient, the step that would reach the floor, does not depend on the target:"),
        sg.Claim(LOSS / norm, "=", tuned).examine(),
    )


def convex_band():
    """Return the Hessian's entries and the eigenvalue that decides where the loss is convex."""
    first, second = WEIGHTS[:2]
    mixed = 2 * OUTPUT * (2 * OUTPUT - TARGET) / (first * second)
    own = 2 * OUTPUT * ((2 * OUTPUT - TARGET) - (OUTPUT - TARGET)) / first**2
    return (
        sg.Text(
            r"The Hessian is $2p\,D\,[(2p-y)\,\mathbf{1}\mathbf{1}^\top - (p-y)\,I]\,D$ with $D$ the diagonal matrix "
            r"of the $1/w_i$. Its two kinds of entries:"
        ),
        sg.Claim(second_derivative(first, second), "=", mixed).examine(),
        sg.Claim(second_derivative(first, first), "=", own).examine(),
        sg.Text(
            r"By Sylvester's law of inertia its signs are those of the bracket, which has the eigenvalue $y - p$ on "
            r"all vectors orthogonal to $\mathbf{1}$, $n-1$ times, and on $\mathbf{1}$ the eigenvalue"
        ),
        sg.Claim("n*(2*p - y) - (p - y) = (2*n - 1)*p - (n - 1)*y").examine(),
        sg.Text(
            r"For $p > 0$ both are positive only in the band $\frac{n-1}{2n-1} < p/y < 1$: for six layers, "
            r"$\frac{5}{11} < p/y < 1$."
        ),
    )


def slice_figure(scale: sg.Scale):
    """Return the slice w_1 = w_2 = w_3 = u, w_4 = w_5 = w_6 = v: loss with valley and band, and the tuned step."""
    kernel = sg.to_kernel(sg.gradient(SLICE, "(x - 1)**2", wrt="u,v"))
    axes = sg.Axis("u", -2, 2, scale.points), sg.Axis("v", -2, 2, scale.points)
    swept = sg.sweep(kernel, *axes, start=1.0)
    us, vs = (axis.values for axis in axes)
    product = swept.outcome.state[0]
    # each of three equal weights has a third of the slice's derivative, so the squared norm over weights is a third
    norm = np.logaddexp(*(2 * swept.outcome.gradient[name].log_abs for name in ("u", "v"))) - np.log(3)
    log_loss = swept.outcome.loss.log_abs
    tuned = np.full_like(norm, np.nan)  # neither on the plateau's axes nor exactly on the valley
    finite = np.isfinite(norm) & np.isfinite(log_loss)
    tuned[finite] = (log_loss[finite] - norm[finite]) / LOG10
    cliffs = sg.cliff_regions(swept)
    inside = np.zeros_like(product)
    inside[(product > 5 / 11) & (product < 1)] = 1
    inside[product >= 1] = 2
    inside[product < 0] = 3
    names = {0: "0 ≤ p ≤ 5/11", 1: "convex band 5/11 < p < 1", 2: "p ≥ 1, beyond the valley", 3: "p < 0"}
    colours = {0: "white", 1: "orange", 2: "sky", 3: "grey"}
    outlines = [np.asarray(line) for region in cliffs.regions for line in region.outline]
    outline = [Line(*line.T, colour="black", width=1.0) for line in outlines]
    return sg.Figure(
        [
            Panel(
                [
                    Regions(us, vs, inside, names, colours=colours),
                    Contours(us, vs, product, (1.0,), "valley $u^3v^3 = 1$", colour="vermillion", width=2.0),
                ],
                "$u$",
                "$v$",
                "where the loss is convex",
                legend="below",
            ),
            Panel(
                [
                    Heatmap(
                        us, vs, tuned, r"$\log_{10}\,\eta_P$", low=-6, high=2, missing="plateau: no step reaches it"
                    ),
                    Contours(us, vs, product, (1.0,), "valley", colour="vermillion", width=2.0),
                    *outline,
                ],
                "$u$",
                "$v$",
                r"the step that reaches the floor, $\eta_P$",
                legend="below",
            ),
        ],
        "The slice of six layers with three weights u and three weights v, x = y = 1. Left: the loss is convex only "
        "in the thin orange band beside the valley. Right: the step that would reach the floor, tiny where the "
        f"weights are large; outlined are the {len(cliffs.regions)} cliff regions, where it is more than "
        f"{cliffs.kappa:g} times shorter than on the valley floor.",
        alt="Two maps of the (u, v) plane: the valley with its convex band, and the length of the step that fits.",
        columns=2,
        size=(10.5, 6.6),
    )


def balance(scale: sg.Scale):
    """Return the law of balance for one gradient step, proved, and measured along descents."""
    law = sg.Claim("(u - h*G/u)**2 - (v - h*G/v)**2 = (u**2 - v**2)*(1 - h**2*G**2/(u**2*v**2))")
    steps = 60 if scale.quick else 200
    rule = sg.to_kernel(sg.gradient_step(sg.gradient(SLICE, "(x - 1)**2", wrt="u,v"), eta="1/60"))
    starts = {"u": np.array([1.6, 1.4, 1.2, 0.9]), "v": np.array([0.6, 0.6, 0.9, 0.3])}
    path = rule(starts, 1.0, steps=steps)
    us, vs = path.positions[:, 0], path.positions[:, 1]
    imbalance = us**2 - vs**2
    lines = [
        Line(np.arange(steps + 1), imbalance[:, i] / imbalance[0, i], f"from ({u:g}, {v:g})")
        for i, (u, v) in enumerate(zip(*starts.values(), strict=True))
    ]
    return (
        sg.Text(
            r"A gradient step of size $\eta$ changes every weight by $-\eta G/w_i$ with $G = 2(p-y)p$. It keeps the "
            "imbalance of two weights up to second order in the step, and the factor is exact:"
        ),
        law.examine(),
        sg.Figure(
            Panel(
                lines,
                "gradient step",
                r"$(u^2 - v^2)\,/\,(u_0^2 - v_0^2)$",
                "imbalance along the descent",
                legend="right",
            ),
            "The imbalance of the two groups of weights along four descents with step size 1/60 in the slice, relative "
            "to its start. It falls only while steps are long: gradient flow would conserve it.",
        ),
        sg.Table(
            ("start (u, v)", "loss before", "loss after", "imbalance before", "imbalance after"),
            [
                (
                    f"({us[0, i]:g}, {vs[0, i]:g})",
                    f"{path.losses[0, i]:.4g}",
                    f"{path.losses[-1, i]:.3g}",
                    f"{imbalance[0, i]:.4f}",
                    f"{imbalance[-1, i]:.4f}",
                )
                for i in range(len(lines))
            ],
            f"Measured in float64 along {steps} gradient steps.",
        ),
    )
