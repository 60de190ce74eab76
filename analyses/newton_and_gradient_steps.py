"""Newton's step is the inverse of the chain product: which step explodes where."""

import numpy as np
import sympy

import symgrad as sg
from symgrad.report import HorizontalLine, Line, Panel
from symgrad.symbols import b, n, w, x

DEPTH = 50
START = sympy.Rational(1, 2)
UNIT = sg.Map(w * sg.sigmoid(x) + b, x)
LOSS = (sg.sigmoid(x) - sympy.Rational(7, 10)) ** 2
LINE = (START - UNIT.expr.subs(b, 0).subs(x, START)).subs(w, 5)
ETA = 0.01
LOG10 = np.log(10.0)
NAMES = ("gradient step, η = 0.01", "Newton's step to a root, −L/L′", "Newton's step to a minimum, −L′/L″")


@sg.analysis(
    question="When the derivative is huge, which step explodes: Newton's or the gradient's?",
    reference=(
        "Pascanu, Mikolov & Bengio (2013), ICML, figure 6; Dennis & Schnabel (1996), Numerical Methods for "
        "Unconstrained Optimization, chapter 5"
    ),
)
def newton_and_gradient_steps(scale: sg.Scale) -> sg.Report:
    """The gradient's. Newton's step is the residual over the chain product: it explodes where the product vanishes.

    On the wall of the one-unit recurrent network, where the derivative explodes, Newton's step freezes.
    """
    return sg.Report(*layered_form(), *along_the_depth(), *across_the_wall(scale))


def layered_form():
    """Return Newton's step of a composition at symbolic depth, with the claims it rests on."""
    step = sg.newton_of_composition(UNIT**n, "y")
    slope = sg.Claim("diff(x - (tanh(w*x + b) - y)/(w*(1 - tanh(w*x + b)**2)), x)", "=", second_form())
    return (
        sg.Text(
            "For a composition $F = f_n\\circ\\dots\\circ f_1$ and a target $y$, Newton's step divides the residual by "
            "the chain product. Nothing is expanded with the depth $n$:"
        ),
        sg.Formula(step.latex(), "Newton's step of the recurrent unit, for any depth"),
        sg.Text("Its own derivative is $(F-y)\\,F''/F'^2$; for one layer $\\tanh(wx+b)$ this is proved in full:"),
        slope.examine(),
    )


def second_form():
    """Return (F - y) F''/F'² of one layer tanh(wx + b), derived."""
    layer = sg.expression("tanh(w*x + b)")
    first = sg.differentiate(layer, x)
    return (layer - sg.expression("y")) * sg.differentiate(first, x) / first**2


def along_the_depth():
    """Return both steps as the depth grows, for a vanishing and an exploding product."""
    depths = np.arange(1, 61)
    kernel = sg.to_kernel(sg.Map("w*tanh(x)", "x") ** n)
    panels = []
    for title, weight in (("the product vanishes: w = 1/2", 0.5), ("the product explodes: w = 2", 2.0)):
        product = np.cumsum(kernel(0.0, {"w": weight}, depth=len(depths), trace=True).trace) / LOG10
        panels.append(
            Panel(
                [
                    Line(depths, product, "gradient in the input, residual 1"),
                    Line(depths, -product, "Newton's step, residual 1", colour="vermillion"),
                    HorizontalLine(0.0),
                ],
                "depth $n$",
                r"$\log_{10}$ of the size",
                title,
                legend="below",
            )
        )
    return (
        sg.Text(
            "The start 0 is a fixed point of $x \\mapsto w\\tanh x$ with multiplier $w$: the product is exactly $w^n$."
        ),
        sg.Claim("w*tanh(0) = 0").examine(),
        sg.Figure(
            panels,
            "At a fixed residual the two steps are inverse to each other. Where the chain product vanishes the "
            "gradient step freezes and Newton's explodes; where it explodes it is the other way round.",
            columns=2,
        ),
    )


def step_sizes(kernel, bias):
    """Return log10 of the three steps in b at w = 5: gradient, Newton to a root, Newton to a minimum."""
    outcome = kernel(START, {"w": 5, "b": bias}, depth=DEPTH)
    loss, first, second = outcome.loss.log_abs, outcome.gradient["b"].log_abs, outcome.hessian["b", "b"].log_abs
    return tuple(size / LOG10 for size in (first + np.log(ETA), loss - first, first - second))


def across_the_wall(scale: sg.Scale):
    """Return the three steps in b on both sides of the wall at w = 5, and their values on it."""
    gradient = sg.gradient(UNIT**n, LOSS, wrt=("b",), second_order=True)
    kernel = sg.to_kernel(gradient)
    distance = np.logspace(-7, -0.7, scale.points)
    panels = []
    for title, side in (("below the wall", -1.0), ("above the wall", 1.0)):
        sizes = step_sizes(kernel, float(LINE) + side * distance)
        lines = [Line(distance, size, name) for name, size in zip(NAMES, sizes, strict=True)]
        panels.append(
            Panel(
                lines,
                "distance of $b$ from the wall  (at $w = 5$)",
                r"$\log_{10}$ of the step's length",
                title,
                xscale="log",
                ylim=(-6.5, 2.2),
                legend="below",
            )
        )
    on_wall = [float(size) for size in step_sizes(sg.to_kernel(gradient, digits=30), LINE)]
    return (
        sg.Figure(
            panels,
            "Coming closer to the wall, from right to left, the gradient step grows by orders of magnitude while both "
            "Newton steps shrink. On the plateaus, far from the wall, Newton's steps are the longer ones.",
            columns=2,
        ),
        sg.Table(
            ("step in b", "length on the wall"),
            [(name, f"{10**size:.3g}") for name, size in zip(NAMES, on_wall, strict=True)],
            "At w = 5 on the exact line b = 1/2 − 5σ(1/2), depth 50, in 30-digit arithmetic whose digits agree at two "
            "working precisions.",
        ),
        sg.Text(
            "The common account, that Newton's step explodes where the derivative is huge, has it the wrong way round: "
            "there the step is short, and it is the gradient step that throws the parameter away."
        ),
    )
