"""The popular account of vanishing and exploding products, and the counterexamples to it, each computed and proved."""

from functools import cache

import numpy as np
import sympy

import symgrad as sg
from symgrad.report import HorizontalLine, Line, Panel
from symgrad.symbols import real

K = real("k")
LOG10 = np.log(10.0)
EQUAL = ("4/5", "1", "-1", "-6/5")
COUNTEREXAMPLES = (
    ("1 - 1/(k + 1)**2", "every factor lies in (0, 1), yet the product does not vanish"),
    ("1 + 1/k**2", "every factor is larger than 1, yet the product does not explode"),
    ("1 + 1/k", "every factor is larger than 1 and tends to 1: it explodes, but only like n"),
    ("1 + (-1)**k/sqrt(k)", "the factors lie on both sides of 1 and tend to 1, and the product vanishes"),
    ("2**((-1)**k)", "the mean logarithm is 0 and the product neither settles nor leaves"),
    ("k**((-1)**k)", "the mean logarithm is 0 and the product visits 0 and infinity for ever"),
    ("1/2 + 1/k", "the first factors are larger than 1: only the tail decides"),
)


def first_index(text):
    """Return the first index of a sequence: 2 where the factor at 1 is 0."""
    return 2 if sg.expression(text).subs(K, 1) == 0 else 1


@cache
def decided(text):
    """Return what becomes of the product, decided exactly."""
    return sg.product_limit(text, start=first_index(text))


def partial_products(text, count):
    """Return the indices and log10 of the partial products' size."""
    index = np.arange(first_index(text), count + 1, dtype=float)
    values = sympy.lambdify(K, sg.expression(text), modules="numpy")(index) * np.ones_like(index)
    return index, np.cumsum(np.log(np.abs(values))) / LOG10


@sg.analysis(
    question="Is it true that factors below 1 make a gradient vanish and factors above 1 make it explode?",
    reference=(
        "Knopp (1951), Theory and Application of Infinite Series, chapter VII; Whittaker & Watson (1927), A Course of "
        "Modern Analysis, section 12.13; Pascanu, Mikolov & Bengio (2013), section 2"
    ),
)
def limit_regimes(scale: sg.Scale) -> sg.Report:
    """Only if they stay away from 1. A product vanishes, settles or explodes exactly as the sum of the logarithms does.

    The popular statements fail for factors that tend to 1, which is what well-tuned deep networks have.
    """
    return sg.Report(*what_is_right(), *what_is_wrong(scale), *residual_scaling(scale))


def row(text, remark):
    """Return the table row of one product."""
    found = decided(text)
    limit = "none" if found.limit is None else f"`{found.limit}`"
    return f"`{text}`", found.regime.word, limit, found.verdict.word, remark


def what_is_right():
    """Return what the usual account gets right: factors that stay away from 1 by a margin."""
    return (
        sg.Text(
            "What the usual account gets right: equal factors, and factors bounded away from 1. If $|c_k| \\le q < 1$ "
            "for all $k$ the product is at most $q^n$ and vanishes; if $|c_k| \\ge Q > 1$ it is at least $Q^n$."
        ),
        sg.Table(
            ("factor", "regime", "limit", "verdict"),
            [row(text, "")[:4] for text in EQUAL],
            "Equal factors. A product of factors below −1 has no limit: only its absolute value explodes.",
        ),
    )


def what_is_wrong(scale: sg.Scale):
    """Return the counterexamples, their proofs and their partial products."""
    panels = []
    for title, texts, count, xscale in (
        ("factors that tend to 1", COUNTEREXAMPLES[:4], 300 if scale.quick else 1000, "log"),
        ("mean logarithm 0", COUNTEREXAMPLES[4:6], 40, "linear"),
    ):
        lines = [Line(*partial_products(text, count), text.replace("**", "^")) for text, _ in texts]
        panels.append(
            Panel(
                [HorizontalLine(0.0), *lines],
                "number of factors $n$",
                r"$\log_{10}\,|\mathrm{product}|$",
                title,
                xscale=xscale,
                legend="below",
            )
        )
    rows = [row(text, remark) for text, remark in COUNTEREXAMPLES]
    reasons = "\n".join(f"- `{text}`: {decided(text).reason}." for text, _ in COUNTEREXAMPLES)
    return (
        sg.Text(
            "What it gets wrong: without the margin, both statements are false. Exactly, $|\\prod c_k|$ tends to 0, to "
            "a nonzero limit or to infinity as $\\sum \\log|c_k|$ tends to $-\\infty$, a number or $+\\infty$."
        ),
        sg.Figure(
            panels,
            "Partial products of the counterexamples. Left: all four sequences of factors tend to 1, and the products "
            "settle, explode or vanish. Right: the average logarithm is 0 for both, which decides nothing.",
            columns=2,
        ),
        sg.Table(("factor", "regime", "limit", "verdict", "against the popular account"), rows, "Decided exactly."),
        sg.Text("The reasons:\n\n" + reasons),
    )


def residual_scaling(scale: sg.Scale):
    """Return the product of residual branches scaled by the depth."""
    found = sg.product_limit("1 + c/n", depth="n")
    depths = np.unique(np.logspace(0, 4, 20 if scale.quick else 60).astype(int))
    lines = [
        Line(depths, depths * np.log1p(value / depths) / LOG10, f"c = {value:g}: factor 1 + c/n", colour=colour)
        for value, colour in ((1.0, "blue"), (3.0, "green"))
    ]
    limits = [HorizontalLine(value / LOG10, f"limit: exp({value:g})", colour="vermillion") for value in (1.0, 3.0)]
    short = depths[depths <= 10]
    unscaled = Line(short, short * np.log(2.0) / LOG10, "factor 1 + c with c = 1, unscaled", colour="purple")
    return (
        sg.Text(
            "Depth may enter the factors themselves. A residual block whose branch is scaled by $1/n$ has factors "
            f"$1 + c/n$; their product is {found.regime.word} with limit `{found.limit}` ({found.verdict.word}: "
            f"{found.reason})."
        ),
        sg.Figure(
            Panel(
                [*lines, *limits, unscaled],
                "depth $n$",
                r"$\log_{10}$ of the product",
                "residual branches scaled by the depth",
                xscale="log",
                ylim=(0.0, 2.0),
                legend="right",
            ),
            "The product of n scaled residual factors settles at exp(c), whatever the depth; unscaled it explodes.",
        ),
    )
