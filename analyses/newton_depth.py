"""Newton's step of a deep net: which step explodes where as the net grows deeper, and updates as recurrent layers."""

import numpy as np
import sympy

import symgrad as sg
from symgrad.derivation.identities import zero_proof
from symgrad.derivation.update_rules import update
from symgrad.evidence import Evidence, Verdict
from symgrad.kernels.newton_steps import composition_newton_step
from symgrad.phenomena.newton.orbits import newton_orbit
from symgrad.report import HorizontalLine, Line, Panel
from symgrad.symbols import n, x

LOG10 = np.log(10.0)
WEIGHT, ETA, CLIP = 5, 0.01, 1.0
SIGMOID = 1 / (1 + np.exp(-0.5))
FACTOR = WEIGHT * SIGMOID * (1 - SIGMOID)
WALL = sg.Map("2*w*s*(1 - s)*sinh(d/2)/((1 - s)*exp(-d/2) + s*exp(d/2)) + h", "d")
WALL_LOSS = "(sigmoid(1/2 + d) - 7/10)**2"
CHAIN, START, TARGET, HALF = sg.Map("tanh(w*x)", "x"), 1.0, 0.1, 0.5
STEPS = {
    "gradient, η = 0.01": ("solid", "blue"),
    "clipped at norm 1": ("dotted", "sky"),
    "Newton, root": ("solid", "vermillion"),
    "Newton, minimum": ("dashed", "orange"),
}
DOUBLE_WELL = "x**4/4 - x**2/2"
REGIMES = (
    ("superattracting", "Newton, x**2 - 2", update("newton", "x**2 - 2", "x").map, 1, sympy.sqrt(2)),
    ("superattracting", "gradient, x**2/2, η = 1", update("gradient", "x**2/2", "x", eta=1).map, 1, 0),
    ("superattracting", "layer 2*x*(1 - x)", sg.Map("2*x*(1 - x)", "x"), 0.3, sympy.Rational(1, 2)),
    ("vanishing", "Newton, (x - 1)**3*(x + 2)", update("newton", "(x - 1)**3*(x + 2)", "x").map, 3, 1),
    ("vanishing", "gradient, double well, η = 1/10", update("gradient", DOUBLE_WELL, "x", eta="1/10").map, 0.3, 1),
    ("vanishing", "layer tanh(x/2)", sg.Map("tanh(x/2)", "x"), 1, 0),
    ("alternating", "damped Newton, x, h = 2", update("damped", "x", "x", h=2).map, 1, 0),
    ("alternating", "gradient, x**2/2, η = 2", update("gradient", "x**2/2", "x", eta=2).map, 1, 0),
    ("alternating", "layer -x", sg.Map("-x", "x"), 1, 0),
    ("exploding, chaotic", "Newton, x**2 + 1", update("newton", "x**2 + 1", "x").map, 0.7, sympy.log(2)),
    ("exploding, chaotic", "gradient, double well, η = 2", update("gradient", DOUBLE_WELL, "x", eta=2).map, 0.3, None),
    ("exploding, chaotic", "layer 4*x*(1 - x)", sg.Map("4*x*(1 - x)", "x"), 0.3, sympy.log(2)),
    ("exploding", "Newton, sign(x)*abs(x)**(1/3)", update("newton", "sign(x)*abs(x)**(1/3)", "x").map, 1, 0),
    ("exploding", "gradient, x**2/2, η = 3", update("gradient", "x**2/2", "x", eta=3).map, 1, 0),
    ("exploding", "layer 2*x", sg.Map("2*x", "x"), 1, 0),
)
ON, BESIDE, ALONG = "on the wall, w = 5", "1e-8 beside the wall", "chain tanh(x/2), target 0.1"
CHAOTIC = {"Newton, x**2 + 1": 2, "gradient, double well, η = 2": 3, "layer 4*x*(1 - x)": 2}


@sg.analysis(
    question="Which step explodes where, as a net grows deeper?",
    reference=(
        "Pascanu, Mikolov & Bengio (2013), ICML, section 2.3 and algorithm 1; Nocedal & Wright (2006), Numerical "
        "Optimization, chapter 3; Milnor (2006), Dynamics in One Complex Variable, section 8 (Koenigs)"
    ),
)
def newton_depth(scale: sg.Scale) -> sg.Report:
    """The gradient step on an exploding chain, Newton's step to a root on a vanishing one; each freezes on the other.

    Newton's step to a minimum freezes on the wall as well, and keeps its size along the vanishing chain.
    """
    return sg.Report(*inverse(), *steps(scale), *regimes(scale))


def inverse():
    """Return Newton's step of a composition and the identity that makes it the inverse of the chain product."""
    step = sg.newton_of_composition(CHAIN**n, "y")
    proof = zero_proof(step.step * step.chain.expr + step.residual)
    verdict = Verdict.UNDECIDED if proof is None else Verdict.PROVED
    return (
        sg.Formula(step.latex(), "Newton's step for a chain of n layers tanh(wx) and a target y"),
        sg.Formula(step.derivative_latex(), "its own derivative"),
        Evidence(
            "(N(x) - x) * (chain product) = -(F(x) - y)",
            verdict,
            proof or "no proof found",
            domain=("the chain product is not 0",),
        ),
    )


def wall_steps(kernel, distance, depth):
    """Return log10 of the four steps in b beside the wall at w = 5: gradient, clipped, Newton to root and minimum."""
    found = kernel(0.0, {"w": float(WEIGHT), "s": SIGMOID, "h": distance}, depth=depth)
    logs = found.loss.log_abs, found.gradient["h"].log_abs, found.hessian["h", "h"].log_abs
    return four_steps(logs[0] - logs[1], *logs[1:])


def chain_steps(kernel, rule, depth):
    """Return log10 of the four steps in the input of the chain tanh(wx), w = 1/2, from 1 towards 0.1."""
    values = {"w": HALF, "y": TARGET}
    found, root = kernel(START, values, depth=depth), composition_newton_step(rule, START, values, depth)
    return four_steps(root.log_step, found.gradient["x"].log_abs, found.hessian["x", "x"].log_abs)


def four_steps(root, first, second):
    """Return log10 of the gradient, the clipped and both Newton steps from their logarithms."""
    sizes = np.log(ETA) + first, np.log(ETA) + np.minimum(first, np.log(CLIP)), root, first - second
    return [float(size) / LOG10 for size in sizes]


def steps(scale):
    """Return the four steps against depth on the wall, beside it and along the vanishing chain, with their rates."""
    wall = sg.to_kernel(sg.gradient(WALL**n, WALL_LOSS, wrt=("h",), second_order=True))
    chain = sg.to_kernel(sg.gradient(CHAIN**n, "(x - y)**2/2", wrt=("x",), second_order=True))
    rule = sg.newton_of_composition(CHAIN**n, "y")
    places = {
        ON: lambda depth: wall_steps(wall, 0.0, depth),
        BESIDE: lambda depth: wall_steps(wall, 1e-8, depth),
        ALONG: lambda depth: chain_steps(chain, rule, depth),
    }
    depths = np.unique(np.linspace(1, 200, 12 if scale.quick else 41).astype(int))
    panels, slopes = [], {}
    for title, at in places.items():
        sizes = np.array([at(int(depth)) for depth in depths]).T
        lines = [
            Line(depths, size, name, stroke=stroke, colour=colour)
            for size, (name, (stroke, colour)) in zip(sizes, STEPS.items(), strict=True)
        ]
        xlabel = "depth $T$" if "wall" in title else "depth $n$"
        label = r"$\log_{10}$ of the step's length"
        panels.append(Panel([*lines, HorizontalLine(0.0)], xlabel, label, title, legend="below"))
        slopes[title] = (np.array(at(800)) - np.array(at(400))) * LOG10 / 400
    return (
        sg.Text(
            r"**Which step explodes where.** The recurrent unit $x_{t+1} = w\sigma(x_t) + b$ from 1/2 at $w = 5$ "
            r"stands still on its wall, where the chain product is $\mu^T$ with $\mu = 5\sigma'(\frac12)$; a chain "
            r"of layers $\tanh(x/2)$ from 1 vanishes like $2^{-n}$. The steps in $b$, and in the input:"
        ),
        sg.Figure(
            panels,
            "Left: on the wall the gradient step explodes and both Newton steps freeze. Middle: 1e-8 beside it the "
            "same happens until the orbit leaves, after about log(1e8)/log μ steps; then each turns towards the "
            "plateau's value. Right: along the vanishing chain Newton's step to the root explodes, to 1e59 at depth "
            "200.",
            alt="Four steps against depth on a wall, beside it and along a vanishing chain: lines or plateaus.",
            columns=3,
            size=(13.3, 5.4),
        ),
        rates(slopes),
        sg.Claim("(m**(n + 1) - 1)/(m - 1) = m*(m**n - 1)/(m - 1) + 1").examine(),
        sg.Text(
            r"That recurrence gives $dx_T/db = (\mu^T - 1)/(\mu - 1)$ on the wall. The curvature takes up "
            r"$\sigma''(\frac12)\,(dx_t/db)^2$ at each step and grows like $\mu^{2T}$, so that $L'/L''$ shrinks like "
            r"$\mu^{-T}$. Along the vanishing chain $F''/F'$ tends to a constant, the relative curvature of Koenigs' "
            r"coordinate, so that $L'' \approx (F - y)F''$ vanishes as fast as $L' = (F - y)F'$ does: their quotient, "
            "Newton's step to the minimum, keeps its size and says nothing about the distance to the target. "
            "How the steps change across the wall is in [another report](newton_and_gradient_steps.md)."
        ),
    )


def rates(slopes):
    """Return derived and measured rates of the steps in nats per layer."""
    grows, halves = float(np.log(FACTOR)), float(np.log(HALF))
    derived = {
        ON: (("log μ", grows), ("0", 0.0), ("−log μ", -grows), ("−log μ", -grows)),
        ALONG: (("−log 2", halves), ("−log 2", halves), ("log 2", -halves), ("0", 0.0)),
    }
    rows = [
        (title, name, text, f"{value:.8f}", f"{slope:.8f}")
        for title, expected in derived.items()
        for name, (text, value), slope in zip(STEPS, expected, slopes[title], strict=True)
    ]
    rows += [(BESIDE, name, "0", "0", f"{s:.8f}") for name, s in zip(STEPS, slopes[BESIDE], strict=True)]
    return sg.Table(
        ("where", "step", "rate derived", "its value", "rate measured"),
        rows,
        "In nats per layer. Measured: between depths 400 and 800, in the log domain, the wall in coordinates that lose "
        "no digits beside it. Derived: for large depth, from the geometric sum and from Koenigs' theorem.",
    )


def regimes(scale):
    """Return Newton, gradient descent and recurrent layers in one table of regimes."""
    rows, count = [], 2_000 if scale.quick else 20_000
    for regime, name, step, start, place in REGIMES:
        found = newton_orbit(step, start, count)
        exact, basis = derived_rate(name, step, place)
        sign = {1: "+", -1: "−", 0: "0", None: ""}[found.sign]
        rows.append((regime, name, f"`{step.expr}`", start, found.fate.word, exact, basis, f"{found.rate:.6f}", sign))
    return (
        sg.Text(
            "**One table of regimes.** A Newton step, a gradient step and a recurrent layer are maps, and the product "
            "of their derivatives along an orbit has a rate. At a fixed point it is the logarithm of the multiplier; "
            "the chaotic ones are multiplications of an angle in disguise:"
        ),
        sg.Claim("cos(2*t)/sin(2*t)", "=", "((cos(t)/sin(t))**2 - 1)/(2*cos(t)/sin(t))").examine(),
        sg.Claim("3*sqrt(2)*sin(t) - 2*(sqrt(2)*sin(t))**3", "=", "sqrt(2)*sin(3*t)").examine(),
        sg.Claim("4*sin(t)**2*(1 - sin(t)**2)", "=", "sin(2*t)**2").examine(),
        sg.Table(
            (
                "regime",
                "what is iterated",
                "the map",
                "from",
                "fate of the orbit",
                "rate",
                "verdict",
                "measured",
                "sign",
            ),
            rows,
            f"Rates in nats per step, measured along at most {count} steps in float64 or, where the orbit is "
            "attracted, at the attractor in many digits. Gradient descent on the double well "
            "x**4/4 - x**2/2 at η = 2 triples an angle: its rate is log 3. Sign: of the product of the derivatives "
            "over the steps taken.",
        ),
    )


def derived_rate(name, step, place):
    """Return the rate as exact text with its verdict: of an exact fixed point, or of the multiplication of an angle."""
    if name in CHAOTIC:
        return f"log({CHAOTIC[name]})", "proved for almost every start"
    fixed = sympy.simplify(step.expr.subs(x, place) - place) == 0
    multiplier = sympy.simplify(abs(sg.differentiate(step.expr, x).subs(x, place)))
    rate = "−∞" if multiplier == 0 else str(sympy.log(multiplier))
    return rate, "proved" if fixed else "undecided"
