"""The four limit regimes of a chain product: for equal factors, for an exact sigmoid family, and in a plane."""

import numpy as np
import sympy

import symgrad as sg
from symgrad.phenomena import with_bifurcations
from symgrad.report import HorizontalLine, Line, Panel, Points
from symgrad.symbols import b, n, real, w, x

c = real("c")
LINEAR = sg.Map("a*x + b", "x")
FAMILY = sg.Map(4 * c * sg.sigmoid(x) - 2 * c, x)
LAYER = sg.Map(sg.tanh(w * x + b), x)
LOG10 = np.log(10.0)
CASES = (
    ("vanishing: a = 0.8 and a = −0.8", (0.8, -0.8)),
    ("constant: a = 1", (1.0,)),
    ("alternating: a = −1", (-1.0,)),
    ("exploding: a = 1.2 and a = −1.2", (1.2, -1.2)),
)


@sg.analysis(
    question="When does a product of derivatives vanish, stay, alternate or explode?",
    reference=(
        "Pascanu, Mikolov & Bengio (2013), ICML, section 2; Knopp (1951), Theory and Application of Infinite Series, "
        "chapter VII"
    ),
)
def four_regimes(scale: sg.Scale) -> sg.Report:
    """For equal factors a: it vanishes for |a| < 1, stays 1 for a = 1, alternates for a = -1, explodes for |a| > 1.

    A product with a < -1 has no limit, not even minus infinity: only its absolute value explodes.
    """
    return sg.Report(*equal_factors(), *sigmoid_family(), *plane(scale))


def equal_factors():
    """Return the four constant cases: the closed form, the exact statements, and one picture of each."""
    product = sg.chain_product(LINEAR**n)
    powers = np.arange(0, 21)
    panels = []
    for title, factors in CASES:
        lines = [
            layer
            for factor, colour in zip(factors, ("blue", "vermillion"), strict=False)
            for layer in (
                Line(powers, factor**powers, colour=colour, width=0.8),
                Points(powers, factor**powers, f"a = {factor:g}", colour=colour, size=4),
            )
        ]
        panels.append(Panel([HorizontalLine(0.0), *lines], "depth $n$", "$a^n$", title, legend="below"))
    statements = sg.exact_regimes(LINEAR**n)
    return (
        sg.Formula(
            rf"\frac{{dx_n}}{{dx_0}} = {product.latex()} = {sympy.latex(product.closed_form())}",
            "a chain of linear layers x ↦ ax + b; the closed form is proved by induction",
        ),
        sg.Claim("a**(n + 1)", "=", "a*a**n", symbols={"n": n}).examine(),
        sg.Table(
            ("condition", "regime", "proved by"),
            [(f"`{s.condition}`", s.regime.value, s.proof) for s in statements],
            "What follows from the closed form alone.",
        ),
        sg.Figure(
            panels,
            "The four regimes for equal factors. With a < −1 the product jumps between ever larger values of both "
            "signs: it has no limit, and the popular “tends to −∞” is wrong.",
            columns=2,
        ),
    )


def sigmoid_family():
    """Return the family of sigmoid units whose product is exactly cⁿ, with its measured products."""
    depth = 40
    kernel = sg.to_kernel(FAMILY**n)
    factors = (0.9, 1.0, -1.0, 1.1)
    rows, lines, signed = [], [], []
    layers = np.arange(1, depth + 1)
    for factor in factors:
        outcome = kernel(0.0, {"c": factor}, depth=depth, trace=True)
        difference = abs(float(outcome.product.log_abs) - depth * np.log(abs(factor)))
        rows.append((f"{factor:g}", f"{outcome.product.value:.12g}", f"{factor**depth:.12g}", f"{difference:.1e}"))
        lines.append(Points(layers, np.cumsum(outcome.trace) / LOG10, f"c = {factor:g}", size=3.5))
        if abs(factor) == 1:
            products = [float(kernel(0.0, {"c": factor}, depth=int(layer)).product.value) for layer in layers[:20]]
            signed.append(Points(layers[:20], products, f"c = {factor:g}", size=5))
    return (
        sg.Text(
            "A saturating unit reaches all four regimes too. For $x \\mapsto 4c\\,\\sigma(x) - 2c$ the start 0 is a "
            "fixed point with multiplier $c$, so the product is exactly $c^n$ at every depth:"
        ),
        sg.Claim("4*c*sigmoid(0) - 2*c = 0").examine(),
        sg.Claim(f"diff({FAMILY.expr}, x) = 4*c*sigmoid(x)*(1 - sigmoid(x))").examine(),
        sg.Claim("4*c*sigmoid(0)*(1 - sigmoid(0)) = c").examine(),
        sg.Figure(
            [
                Panel(lines, "depth $n$", r"$\log_{10}\,|\mathrm{product}|$", "size of the product", legend="below"),
                Panel(signed, "depth $n$", "product", "constant and alternating", legend="below"),
            ],
            r"The exact family $x \mapsto 4c\,\sigma(x) - 2c$. The measured products lie on the straight lines "
            r"$n\,\log_{10}|c|$; for c = 1 the product stays 1, for c = −1 it alternates.",
            columns=2,
        ),
        sg.Table(
            ("c", f"product at n = {depth}, measured", f"c^{depth}", "difference of the logarithms"),
            rows,
            "Measured in float64 against the exact power.",
        ),
    )


def plane(scale: sg.Scale):
    """Return the regimes of tanh(wx + b) over the plane of its parameters."""
    depth, start = 200, sympy.Rational(1, 2)
    chain = LAYER**n
    swept = sg.sweep(
        sg.to_kernel(chain), sg.Axis(w, -4, 4, scale.points), sg.Axis(b, -3, 3, scale.points), start=start, depth=depth
    )
    regimes = sg.classify(swept)
    shares = [(word, f"{share:.2%}") for word, share in regimes.shares().items() if share > 0]
    statements = sg.exact_regimes(chain, (start,))
    return (
        sg.Text(f"For $\\tanh(wx+b)$ from $x_0 = \\frac12$ the parameters decide. Measured at depth {depth}:"),
        sg.Figure(
            with_bifurcations(regimes, swept),
            "The regimes in the plane. Nearly everywhere the orbit settles on an attracting fixed point or cycle, "
            "where factors are smaller than 1: the product vanishes. It explodes only close to the line on which the "
            "start is a repelling fixed point.",
        ),
        sg.Table(
            ("regime", "share of the grid"),
            shares,
            f"Sampled with a tolerance of {regimes.tolerance:g} nats per step; {regimes.disagreements} points show "
            "another regime than the one proved for them.",
        ),
        sg.Table(
            ("condition", "regime", "proved by"),
            [(f"`{s.condition}`", s.regime.value, s.proof) for s in statements],
            "Exact statements for this start: regimes that are curves no grid can hit.",
        ),
    )
