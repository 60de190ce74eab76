"""Textbook derivations checked line by line: the files beside this one hold the claims, and slips to be refuted."""

from dataclasses import dataclass
from pathlib import Path

import mpmath
import numpy as np

import symgrad as sg
from symgrad.claims import Examined, open_document
from symgrad.claims.documents import examine_link
from symgrad.evidence import Verdict
from symgrad.parsing.fences import claim_lines
from symgrad.report import Band, HorizontalLine, Line, Panel, Points
from symgrad.symbols import n
from symgrad.symbols import x as X

SLIPS = "## A common slip"
UNIT = sg.Map("tanh(w*x + b)", "x")
LINEAR = sg.Map("w*x + b", "x")
LOG10 = np.log(10.0)
SEED = 0
DIGITS = 600
IN_A_SENTENCE = {
    "recurrent": (
        "A shared weight adds one term per layer: what it does there, times the factors of all later layers. The terms "
        "of early layers vanish with the chain product; their sum does not."
    ),
    "activations": (
        "A factor is at most $|w|$ in a chain of tanh layers and $|w|/4$ in one of sigmoid layers, so the product "
        "vanishes where that is below 1; for tanh it vanishes at $w = 1$ as well."
    ),
    "newton": (
        "The derivative of Newton's map is 0 at a simple root, where the error is squared, $1 - 1/m$ at an $m$-fold "
        "one and $-2$ for $x^{1/3}$."
    ),
    "hessian": (
        "The loss of a product of $n$ weights is convex exactly for $(n-1)/(2n-1) < p/y < 1$, on one side of its "
        "valley."
    ),
}


@dataclass(frozen=True)
class Derivation:
    """One file: its title, its definitions, what was found about its lines, and about the lines that are slips."""

    name: str
    title: str
    definitions: tuple[str, ...]
    lines: tuple[Examined, ...]
    slips: tuple[Examined, ...]


def read(name):
    """Return the derivation in the file of that name beside this one, examined link by link."""
    text = Path(__file__).with_name(f"{name}.md").read_text(encoding="utf-8")
    document = open_document(text)
    if document.problems:
        first = document.problems[0]
        raise sg.InputError(f"{name}.md, line {first.line}, column {first.column}: {first.message}")
    found = [Examined(link, examine_link(link, SEED)) for link in document.links]
    rows = text.splitlines()
    border = rows.index(SLIPS) + 1
    return Derivation(
        name,
        rows[0].removeprefix("# "),
        tuple(line.text for line in claim_lines(text) if line.text.startswith("let ")),
        tuple(item for item in found if item.link.line < border),
        tuple(item for item in found if item.link.line > border),
    )


@sg.analysis(
    question="Do the textbook derivations hold, line by line?",
    reference=(
        "Werbos (1990), Backpropagation through time, Proc. IEEE 78; Pascanu, Mikolov & Bengio (2013), ICML, section "
        "2; Dennis & Schnabel (1996), Numerical Methods for Unconstrained Optimization, chapter 2; Traub (1964), "
        "Iterative Methods for the Solution of Equations, chapter 7 (multiple roots); Goodfellow, Bengio & Courville "
        "(2016), Deep Learning, section 8.2.4"
    ),
)
def derivations(scale: sg.Scale) -> sg.Report:
    """Every line of the four is proved, and every common slip beside them is refuted by numbers.

    They are backpropagation through time, chains of tanh and sigmoid layers, the order of Newton's method, and the
    Hessian of a deep product.
    """
    parts = {
        "recurrent": (recurrent_formula, recurrent_figure),
        "activations": (activation_formula, activation_figure),
        "newton": (newton_formula, newton_figure),
        "hessian": (hessian_formula, hessian_figure),
    }
    names = ("hessian",) if scale.quick else tuple(parts)
    examined = {name: read(f"derivations_{name}") for name in names}
    blocks = [block for name in names for block in section(examined[name], IN_A_SENTENCE[name], *parts[name])]
    return sg.Report(*overview(examined.values()), *blocks)


def count(examined, verdict):
    """Return how many lines have a verdict."""
    return sum(item.evidence.verdict is verdict for item in examined)


def overview(read_ones):
    """Return how many lines each derivation has and what became of them."""
    return (
        sg.Text(
            "A derivation is a file of claims with prose between them. Each relation is examined by itself: refuted "
            "first, at points where ball arithmetic excludes it, else proved by an exact argument. "
            "`symgrad check analyses/derivations_newton.md` does it again, and names the slips."
        ),
        sg.Table(
            ("derivation", "lines", "proved", "slips", "refuted"),
            [
                (
                    derivation.title,
                    len(derivation.lines),
                    count(derivation.lines, Verdict.PROVED),
                    len(derivation.slips),
                    count(derivation.slips, Verdict.REFUTED),
                )
                for derivation in read_ones
            ],
            "A chain of relations counts once for each of its links.",
        ),
    )


def section(derivation, sentence, formula, figure):
    """Return one derivation: what it shows, where it is written, its lines, its picture and its slips."""
    definitions = "\n".join(derivation.definitions)
    return (
        sg.Text(f"## {derivation.title}\n\n{sentence}"),
        formula(),
        sg.Text(f"[The derivation](../analyses/{derivation.name}.md) declares and defines\n\n```\n{definitions}\n```"),
        sg.Table(
            ("line", "statement", "verdict", "method", "holds where"),
            [proved_row(item) for item in derivation.lines],
            "Line: its place in the file.",
        ),
        figure(),
        sg.Table(
            ("line", "a common slip", "verdict", "at", "what the balls say"),
            [refuted_row(item) for item in derivation.slips],
            "Wrong on purpose. The last column gives both sides at the point named; a limit is named by its value.",
        ),
    )


def proved_row(item):
    """Return the table row of a line: the conditions it states itself are left to its text."""
    stated = {f"{name}: {word}" for name, word in kinds(item)}
    conditions = [condition for condition in item.evidence.domain if condition not in stated]
    where = ", ".join(f"`{condition}`" for condition in conditions if condition not in item.link.where)
    return item.link.line, f"`{item.link.text}`", item.evidence.verdict.word, item.evidence.method, where


def kinds(item):
    """Return the (name, kind) pairs that the declarations at the head of the file state."""
    return [condition.split(": ") for condition in item.evidence.domain if ": " in condition]


def refuted_row(item):
    """Return the table row of a slip, with the point that breaks it."""
    point = ", ".join(f"`{name} = {value}`" for name, value in (item.evidence.witness or {}).items())
    words = item.evidence.method.removeprefix("balls that exclude it: ")
    return item.link.line, f"`{item.link.text}`", item.evidence.verdict.word, point, words


def recurrent_formula():
    """Return the gradient in a shared weight at any depth, derived."""
    latex = sg.gradient(UNIT**n, None, wrt=("w",)).latex("w")
    return sg.Formula(rf"\frac{{dx_n}}{{dw}} = {latex}", "derived for the unit tanh(wx + b) at any depth n")


def recurrent_figure():
    """Return what each layer adds to the gradient in the weight, and the gradient beside the chain product."""
    depth, weights = 40, (0.8, 1.0, 1.5)
    kernel = sg.to_kernel(sg.gradient(sg.stack(UNIT, depth, untied=("w",)), None, wrt=("w",)))
    layers = np.arange(1, depth + 1)
    lines = []
    for weight, stroke in zip(weights, ("solid", "dashed", "dotted"), strict=True):
        added = kernel(0.5, {"w": np.full(depth, weight), "b": 0.1}).gradient["w"].log_abs / LOG10
        lines.append(Line(layers, added, f"w = {weight:g}", stroke=stroke))
    depths = np.arange(1, 61)
    single = sg.to_kernel(sg.gradient(LINEAR**n, None, wrt=("b",)))
    found = [single(0.5, {"w": 0.9, "b": 0.1}, depth=int(count)) for count in depths]
    return sg.Figure(
        [
            Panel(
                lines,
                "layer $t$",
                r"$\log_{10}$ of what layer $t$ adds to $dx_{40}/dw$",
                "the sum, term by term",
                legend="below",
            ),
            Panel(
                [
                    Line(depths, [item.gradient["b"].value for item in found], r"$dx_n/db$"),
                    Line(depths, [item.product.value for item in found], r"chain product $w^n$", colour="vermillion"),
                    HorizontalLine(1 / (1 - 0.9), r"$1/(1-w)$"),
                ],
                "depth $n$",
                "value",
                "linear unit, w = 0.9",
                legend="below",
            ),
        ],
        "Left: forty tanh layers, $b = 0.1$, from 1/2: the early layers add exponentially little to the gradient in "
        "the shared weight, the last layers carry it. Right: for the linear unit the chain product vanishes while "
        "the gradient in the bias tends to 10. Measured in float64.",
        alt="Terms of a gradient falling off towards early layers; a gradient that tends to 10 beside a product to 0.",
        columns=2,
    )


def activation_formula():
    """Return the chain product of the tanh chain, derived."""
    latex = sg.chain_product(UNIT**n).latex()
    return sg.Formula(rf"\frac{{dx_n}}{{dx_0}} = {latex}", "the chain of tanh layers, in the outputs of its layers")


def activation_figure():
    """Return both derivatives under their bounds, and chain products under theirs."""
    x = np.linspace(-6, 6, 301)
    slopes = [(sg.differentiate(sg.expression(f"{name}(x)"), X), name) for name in ("tanh", "sigmoid")]
    curves = [Line(x, sg.to_kernel(sg.Map(slope, "x"))(x).state[0], f"{name}'(x)") for slope, name in slopes]
    layers = np.arange(1, 301)
    chains = (
        ("sigmoid(w*x)", 2.0, 0.5, "sigmoid chain, w = 2", "blue"),
        ("tanh(w*x)", 0.9, 0.9, "tanh chain, w = 0.9", "vermillion"),
        ("tanh(w*x)", 1.0, 1.0, "tanh chain, w = 1", "green"),
    )
    lines = []
    for text, weight, bound, label, colour in chains:
        shown = layers[: 60 if bound == 0.5 else 300]
        trace = sg.to_kernel(sg.Map(text, "x") ** n)(1.0, {"w": weight}, depth=len(shown), trace=True).trace
        lines.append(Line(shown, np.cumsum(trace) / LOG10, label, colour=colour))
        lines.append(Line(shown, shown * np.log10(bound), colour=colour, stroke="dashed", width=1.2))
    lines.append(Line(layers, -np.log10(1 + layers), "$u_0/(u_0 + n)$", colour="black", stroke="dotted"))
    return sg.Figure(
        [
            Panel(
                [*curves, HorizontalLine(1.0), HorizontalLine(0.25)],
                "$x$",
                r"$\varphi'(x)$",
                "the derivatives and their bounds 1 and 1/4",
                legend="below",
            ),
            Panel(
                lines,
                "depth $n$",
                r"$\log_{10}\,|\mathrm{product}|$",
                "chain products from $x_0 = 1$",
                xscale="log",
                ylim=(-14.5, 0.5),
                legend="below",
            ),
        ],
        "Left: both derivatives touch their bounds at 0 only. Right: chain products (solid) under the powers of their "
        "bounds (dashed); at $w = 1$ that bound is 1, and the product stays below the dotted $1/(1 + n)$, for "
        "$u_0 = 1$, that is proved above. Measured in float64.",
        alt="Two bell curves under their bounds; chain products that fall below their geometric bounds.",
        columns=2,
    )


def newton_formula():
    """Return Newton's map and its derivative."""
    return sg.Formula(r"N(x) = x - \frac{f(x)}{f'(x)},\qquad N'(x) = \frac{f(x)\,f''(x)}{f'(x)^2}")


def newton_errors(step, start, root, count):
    """Return the errors of an iteration, in many digits."""
    x, errors = start, []
    for _ in range(count + 1):
        errors.append(abs(x - root))
        x = step(x)
    return errors


def newton_figure():
    """Return the digits that double, and the errors at roots of several kinds."""
    many = mpmath.MPContext()
    many.dps = DIGITS
    root = many.sqrt(2)
    square = newton_errors(lambda x: x - (x**2 - 2) / (2 * x), many.mpf(3) / 2, root, 8)
    z = (many.mpf(3) / 2 - root) / (many.mpf(3) / 2 + root)
    law = [2 * root * z ** (2**k) / (1 - z ** (2**k)) for k in range(9)]
    steps = np.arange(9)
    lines = [Line(steps[:5], log10s(many, square[:5]), "simple root of $x^2 - 2$")]
    for power, stroke in ((2, "dashed"), (3, "dashdot")):
        errors = newton_errors(lambda x, m=power: x - x * (1 + x) / (m * (1 + x) + x), many.mpf(1), many.mpf(0), 24)
        label = f"{'double' if power == 2 else 'triple'} root, $x^{power}(1 + x)$"
        lines.append(Line(np.arange(25), log10s(many, errors), label, stroke=stroke))
    pole = newton_errors(lambda x: -2 * x, many.mpf(1), many.mpf(0), 24)
    lines.append(Line(np.arange(25), log10s(many, pole), "$x^{1/3}$", stroke="dotted"))
    return sg.Figure(
        [
            Panel(
                [
                    Line(steps, [-value for value in log10s(many, law)], r"law $z \mapsto z^2$"),
                    Points(steps, [-value for value in log10s(many, square)], "measured", colour="vermillion"),
                ],
                "step $k$",
                r"correct digits $-\log_{10}|x_k - \sqrt{2}|$",
                "the digits double",
                yscale="log",
                legend="below",
            ),
            Panel(
                lines,
                "step $k$",
                r"$\log_{10}|x_k - r|$",
                "the order depends on the root",
                ylim=(-13, 8),
                legend="below",
            ),
        ],
        f"Left: Newton's method for $\\sqrt2$ from 3/2, in {DIGITS} digits; every step doubles the number of correct "
        "ones, as the law says. Right: a simple root is reached at once, a double or triple one at the rate 1/2 or 2/3 "
        "per step, and the root of $x^{1/3}$ is left at the rate 2.",
        alt="Correct digits doubling with each step; errors falling at four different paces.",
        columns=2,
    )


def log10s(many, values):
    """Return decimal logarithms as floats."""
    return [float(many.log10(value)) for value in values]


def hessian_formula():
    """Return the Hessian of the deep product."""
    return sg.Formula(
        r"H = 2p\,D\,\bigl[(2p - y)\,\mathbf{1}\mathbf{1}^T - (p - y)\,I\bigr]\,D,\qquad D = \operatorname{diag}(1/w_i)"
    )


def hessian_figure():
    """Return the eigenvalues of the bracket against p/y, for several depths."""
    t = np.linspace(0, 1.25, 101)
    lines = [Line(t, 1 - t, r"$1 - t$, $n - 1$ times", colour="black")]
    for depth, colour in ((2, "blue"), (3, "vermillion"), (10, "green")):
        size = depth - 1
        matrices = (2 * t - 1)[:, None, None] * np.ones((depth, depth)) - (t - 1)[:, None, None] * np.eye(depth)
        found = np.linalg.eigvalsh(matrices)
        single = (2 * depth - 1) * t - size
        across = np.argmin(np.abs(found - single[:, None]), axis=1)
        lines.append(Line(t, single / size, f"vector of ones, $n = {depth}$", colour=colour))
        every = slice(0, None, 10)
        measured = np.take_along_axis(found, across[:, None], axis=1)[:, 0]
        lines.append(Points(t[every], measured[every] / size, colour=colour, size=4.5))
    band = Band([1 / 3, 1.0], [-1.1, -1.1], [1.6, 1.6], "convex for $n = 2$: $1/3 < t < 1$", colour="sky")
    return sg.Figure(
        Panel(
            [band, HorizontalLine(0.0), *lines],
            "$t = p/y$",
            "eigenvalues of the bracket, in units of $y$",
            "where the loss of a deep product is convex",
            xlim=(0.0, 1.25),
            ylim=(-1.1, 1.6),
            legend="right",
        ),
        "The loss is convex where all eigenvalues are positive: from the zero of the coloured line, which moves from "
        "1/3 towards 1/2 as layers are added, to the valley $t = 1$. Lines: derived, $(2n - 1)t - (n - 1)$ divided by "
        "$n - 1$ to fit. Points: eigenvalues of the bracket, computed in float64.",
        alt="Eigenvalue lines against p/y; all are positive between (n-1)/(2n-1) and 1.",
    )
