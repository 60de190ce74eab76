"""Where Newton's method leads and how fast: classical cases, orders derived and measured, certificates."""

from fractions import Fraction

import mpmath
import numpy as np
import sympy

import symgrad as sg
from symgrad.certify.convergence import best_certificate
from symgrad.derivation.implicit_sensitivity import implicit_sensitivity
from symgrad.derivation.update_rules import update
from symgrad.evidence import Evidence
from symgrad.phenomena.newton.local import local_theory
from symgrad.phenomena.newton.orbits import newton_orbit
from symgrad.phenomena.newton.sensitivity import sensitivity_path
from symgrad.report import HorizontalLine, Line, Panel
from symgrad.symbols import n

CASES = {
    "x**3 - 2*x + 2": "x³ − 2x + 2: a cycle attracts",
    "sign(x)*abs(x)**(1/3)": "cube root: its root repels",
    "(x - 1)**3*(x + 2)": "(x − 1)³(x + 2): slow at 1",
    "atan(x)": "arctan: an escape radius",
    "x**2 + 1": "x² + 1: no root, chaos",
    "x*exp(-1/x**2)": "x exp(−1/x²): slower still",
}
ORBITS = (
    ("x**3 - 2*x + 2", -1, 100),
    ("x**3 - 2*x + 2", 0.1, 100),
    ("sign(x)*abs(x)**(1/3)", 1, 40),
    ("(x - 1)**3*(x + 2)", 3, 200),
    ("atan(x)", 1.39, 100),
    ("atan(x)", 1.4, 100),
    ("x**2 + 1", 0.7, 100_000),
    ("x*exp(-1/x**2)", 1.5, 1000),
)
COBWEBS = (
    ("x**3 - 2*x + 2", (0.12,), 12, (-0.6, 1.5)),
    ("sign(x)*abs(x)**(1/3)", (0.04,), 5, (-1.5, 1.5)),
    ("(x - 1)**3*(x + 2)", (2.4,), 10, (0.5, 2.6)),
    ("atan(x)", (1.38, 1.41), 4, (-2.2, 2.2)),
    ("x**2 + 1", (0.7,), 24, (-3.5, 3.5)),
    ("x*exp(-1/x**2)", (1.6,), 40, (-0.4, 1.8)),
)
CERTIFIED = (
    ("x**2 - 2", 1.5),
    ("cos(x) - x", 1),
    ("x**3 - 2*x + 2", -2),
    ("atan(x)", 1.2),
    ("atan(x)", 1.39),
    ("x**3 - 2*x + 2", 0.1),
    ("(x - 1)**3*(x + 2)", 3),
)
ROOTS = (
    ("x**3 - 2", Fraction(3, 2), 1, lambda context: context.cbrt(2), "a simple root: x³ − 2"),
    ("(x - 1)**3*(x + 2)", Fraction(2), 3, lambda context: context.mpf(1), "a threefold root: (x − 1)³(x + 2)"),
)
RULES = (("newton", {}), ("halley", {}), ("damped", {"h": "1/2"}), ("schroder", {"m": 3}), ("schroder_modified", {}))
NAMES = {
    "newton": "Newton",
    "halley": "Halley",
    "damped": "damped, h = 1/2",
    "schroder": "Schröder, m = 3",
    "schroder_modified": "Newton for F/F′",
}
STROKES = {"schroder_modified": "dotted"}
WITH_ORDERS = ("newton", "halley", "damped", "schroder")
DIGITS, FLOOR, STEPS = 120, -105, 24


@sg.analysis(
    question="Where does Newton's method lead, and how fast?",
    reference=(
        "Traub (1964), Iterative Methods for the Solution of Equations; Schröder (1870), Math. Ann. 2:317; Kantorovich "
        "(1948); Blum, Cucker, Shub & Smale (1998), Complexity and Real Computation, chapter 8; Peitgen & Richter "
        "(1986), The Beauty of Fractals, chapter 6"
    ),
)
def newton(scale: sg.Scale) -> sg.Report:
    """To a simple root with doubling digits, to an m-fold one at the rate 1 - 1/m; or to a cycle, infinity, nowhere.

    Which of these happens follows from the derivative of the update, N' = F F''/F'^2, before a step is taken.
    """
    cases = ("atan(x)", "x**2 + 1") if scale.quick else CASES
    theories = {F: local_theory(F, "x", period_max=2) for F in cases}
    return sg.Report(
        sg.Formula(r"N(x) = x - \frac{F(x)}{F'(x)},\quad N'(x) = \frac{F(x)\,F''(x)}{F'(x)^2}", "one step is a map"),
        sg.Text("At a fixed point or along a cycle the product of the factors $N'$ is the multiplier, which decides:"),
        local_table(theories),
        cobwebs(scale),
        *exact_statements(theories),
        orbit_table(scale),
        *orders(scale),
        *certificates(scale),
        *sensitivity(),
        sg.Text(
            "Basins are drawn in [another report](newton_basins.md), the step of a deep net is in "
            "[a third](newton_depth.md), systems of equations are in [a fourth](newton_systems.md)."
        ),
    )


def local_table(theories):
    """Return every root and 2-cycle of the classical cases with order, multiplier and verdict."""
    rows = []
    for F, theory in theories.items():
        step = f"`{F}`", f"`{theory.update.expr}`"
        for root in theory.roots:
            power = "faster than any" if root.exponent is sympy.oo else root.exponent
            constant = "" if root.error_constant is None else number(root.error_constant)
            order = "none" if root.order is None else root.order
            where = f"root {root.value:.17g}, multiplicity {power}"
            rows.append((*step, where, order, number(root.multiplier), constant, root.verdict.word))
        for cycle in theory.cycles:
            where = f"cycle {', '.join(f'{p:.10g}' for p in cycle.points)}, {cycle.kind.value}"
            rows.append((*step, where, "", number(cycle.multiplier), "", cycle.verdict.word))
    return sg.Table(
        ("F", "N(x)", "where", "order", "multiplier", "C in e⁺ = C e^order", "verdict"),
        rows,
        "Roots and cycles of period 2 on the real line. Proved: solved for, with the order by Taylor expansion. "
        "Certified: enclosed in balls. At order 1 the constant is the multiplier, 1 − 1/m for multiplicity m.",
    )


def number(value):
    """Return a multiplier or a constant: exact where it is exact, else with ten digits."""
    return str(value) if isinstance(value, sympy.Rational | int) else f"{float(value):.10g}"


def cobwebs(scale):
    """Return the six cases as cobwebs."""
    panels = []
    for F, starts, steps, (low, high) in COBWEBS[: 2 if scale.quick else None]:
        step = update("newton", F, "x").map
        xs = np.linspace(low, high, 1201)
        kernel = sg.to_kernel(step)
        with np.errstate(all="ignore"):
            values = kernel(np.where(xs == 0, 1e-9, xs)).state[0].copy()
        values[np.abs(values) > 4 * (high - low)] = np.nan
        values[1:][np.abs(np.diff(values)) > 0.5 * (high - low)] = np.nan
        layers = [
            Line(xs, values, "N(x)", colour="black"),
            Line([low, high], [low, high], "diagonal", colour="grey", stroke="dashed", width=1.2),
        ]
        for start, colour in zip(starts, ("vermillion", "blue"), strict=False):
            path = newton_orbit(step, start, steps).orbit
            across, up = np.repeat(path, 2)[:-1], np.concatenate([[low], np.repeat(path[1:], 2)])
            layers.append(Line(across, up, f"from {start:g}", colour=colour, width=1.4))
        limits = {"xlim": (low, high), "ylim": (low, high)}
        panels.append(Panel(layers, "$x$", "$N(x)$", CASES[F], legend="below", **limits))
    return sg.Figure(
        panels,
        "A step goes up to the curve and across to the diagonal. The slope where the curve meets the diagonal is the "
        "multiplier; orbits that run off the picture return or escape outside it.",
        alt="Six cobwebs: a 2-cycle, an escape, a slow approach, an escape radius, chaos, a tangency.",
        columns=3,
        size=(13.3, 9.6),
    )


def exact_statements(theories):
    """Return what the pictures show, as statements with their verdicts."""
    cube_root = update("newton", "sign(x)*abs(x)**(1/3)", "x")
    escape = next(c for c in theories["atan(x)"].cycles if c.period == 2)
    chaos = theories["x**2 + 1"].conjugacy
    return (
        sg.Text(
            "The cube root is left by a factor −2 at each step. The steps for arctan converge from inside a 2-cycle "
            "and escape from outside it, because the size of the next point grows with the size of the last:"
        ),
        cube_root.statements[0],
        Evidence(
            f"N(x) = -x at x = {escape.points[-1]:.16g}, multiplier {float(escape.multiplier):.12g}",
            escape.verdict,
            f"enclosed in {escape.balls[-1].value}, by ball arithmetic",
        ),
        sg.Claim("diff((1 + x**2)*atan(x) - x, x)", "=", "2*x*atan(x)").examine(),
        sg.Text(
            "Newton's step for $x^2+1$ doubles an angle, so that nearly every orbit is spread over the whole line with "
            "the density $1/(\\pi(1+x^2))$ and its derivatives grow at the rate $\\log 2$:"
        ),
        Evidence(chaos.statement, chaos.verdict, chaos.method),
        sg.Claim("cos(2*t)/sin(2*t)", "=", "((cos(t)/sin(t))**2 - 1)/(2*cos(t)/sin(t))").examine(),
    )


def orbit_table(scale):
    """Return the fate of one orbit or two for each case."""
    rows = []
    for F, start, steps in ORBITS[:: 2 if scale.quick else 1]:
        found = newton_orbit(update("newton", F, "x").map, start, min(steps, 5_000 if scale.quick else steps))
        where = found.root if found.root is not None else found.cycle or found.last
        shown = ", ".join(f"{p:.10g}" for p in np.atleast_1d(where))
        order = "" if found.order is None else f"{found.order:.3f}"
        rows.append((f"`{F}`", start, found.fate.word, found.steps, shown, f"{found.mean_rate:.4f}", order))
    return sg.Table(
        ("F", "start", "fate", "steps", "arrives at", "mean of log abs(N′)", "order measured"),
        rows,
        "Sampled: orbits in float64, in nats per step; −inf where the orbit lands on a point with N′ = 0. log 2 is "
        f"{np.log(2):.4f}. Beyond the radius of arctan every factor exceeds the last; beside the flat root of "
        "x*exp(-1/x**2) the steps shrink like k**(-3/2), which no number of steps calls convergence.",
    )


def orders(scale):
    """Return the order of every rule as derived for any F and as measured on two functions, with the errors drawn."""
    panels, rows, rules = [], [], RULES[: 2 if scale.quick else None]
    for F, start, m, root, title in ROOTS[: 1 if scale.quick else None]:
        lines = []
        for rule, options in rules:
            if rule == "schroder" and m == 1:
                continue
            step = update(rule, F, "x", **options)
            derived = step.order if rule == "schroder" else step.order_at(m)
            found = errors(step, start, root)
            order, constant = measured(found, derived.order)
            logs = [float(mpmath.log10(abs(e))) for e in found]
            lines.append(Line(np.arange(len(logs)), logs, NAMES[rule], stroke=STROKES.get(rule, "solid")))
            formula = str(derived.formula)
            value = float(at_root(derived.formula, F, m, root(mpmath.mp)))
            rows.append(
                (f"`{F}`", NAMES[rule], derived.order, order, f"`{formula}`", f"{value:.8g}", f"{constant:.8g}")
            )
        limits = {"xlim": (0, 9), "ylim": (-62, 2)}
        panels.append(Panel(lines, "step", r"$\log_{10}$ of the error", title, legend="below", **limits))
    panels.append(spread(scale))
    return (
        sg.Text(
            "**Order.** The registry's rules are applied to a Taylor polynomial with symbols for $F', F'', \\dots$, "
            "which gives $e^+ = C e^p$ for every function at once; beside it stand the errors of iterates followed in "
            f"{DIGITS} digits:"
        ),
        update("newton", "x**3 - 2", "x").order_at("m").evidence,
        *(update(rule, "x**3 - 2", "x").order.evidence for rule in WITH_ORDERS[: 2 if scale.quick else None]),
        sg.Table(
            ("F", "rule", "order derived", "order measured", "C derived", "its value", "C measured"),
            rows,
            f"Derived: proved by Taylor expansion. Measured: from the last three errors above 1e{FLOOR}, or after 24 "
            "steps, where an error of order 1 still carries its next term.",
        ),
        sg.Figure(
            panels,
            "Left and middle: the error of each rule against steps, down to sixty digits. At the threefold root only "
            "the rules that know m or find it keep their order. Right: where the orbit of x² + 1 spends its time, "
            "beside the density of the doubled angle.",
            alt="Errors of five rules at a simple and a threefold root; a histogram on the density 1/(pi (1 + x^2)).",
            columns=len(panels),
            size=(13.3, 5.2),
        ),
    )


def errors(step, start, root):
    """Return the error of every iterate in many digits."""
    context = mpmath.mp.clone()
    context.dps = DIGITS
    kernel, target, found = sg.to_kernel(step.map**n, digits=DIGITS), root(context), []
    found.append(context.mpf(start.numerator) / start.denominator - target)
    for depth in range(1, STEPS + 1):
        found.append(context.mpf(kernel(start, {}, depth=depth).digits["state"][0]) - target)
        if abs(found[-1]) < context.mpf(10) ** FLOOR:
            return found[:-1]
    return found


def measured(found, order):
    """Return the order measured from the last three errors, and the constant C = e⁺/e^order."""
    a, b, c = found[-3:]
    return f"{float(mpmath.log(abs(c / b)) / mpmath.log(abs(b / a))):.6f}", float(c / b**order)


def at_root(formula, F, m, root):
    """Return an error constant at the root: F', F'', ... are derivatives of F, G = F/(x - r)^m and its derivatives."""
    (x,) = sg.expression(F).free_symbols
    whole, values = sg.expression(F), {}
    for s in formula.free_symbols - {sympy.Symbol("m")}:
        letter, order = s.name[0], int(s.name[3:-1]) if "^" in s.name else s.name.count("'")
        function = whole if letter == "F" else sympy.cancel(whole / (x - 1) ** m)
        values[s] = sympy.diff(function, x, order).subs(x, sympy.Float(str(root)))
    return formula.xreplace(values).subs("m", m)


def spread(scale):
    """Return where a long orbit of x**2 + 1 spends its time, beside the density that angle doubling keeps."""
    steps = 10_000 if scale.quick else 100_000
    orbit = newton_orbit(update("newton", "x**2 + 1", "x").map, 0.7, steps).orbit
    edges = np.linspace(-5, 5, 41)
    counts, _ = np.histogram(orbit, edges)
    xs = np.linspace(-5, 5, 301)
    histogram = Line(np.repeat(edges, 2)[1:-1], np.repeat(counts / len(orbit) / np.diff(edges), 2), "orbit of 0.7")
    density = Line(xs, 1 / (np.pi * (1 + xs**2)), "1/(π(1 + x²))", colour="black", stroke="dashed")
    return Panel([histogram, density, HorizontalLine(0.0)], "$x$", "share per unit", "x² + 1: chaos", legend="below")


def certificates(scale):
    """Return what is certified from one start before Newton's method is run, or that nothing is."""
    rows, told = [], []
    for F, start in CERTIFIED[: 3 if scale.quick else None]:
        found = best_certificate(F, "x", start, steps=20)
        if not found.is_certified:
            reason = found.statement.split(": ", 1)[1]
            rows.append((f"`{F}`", start, "none", "", "", "", "", f"{found.verdict.word}: {reason}"))
            continue
        constants = ", ".join(f"{name} = {value:.4g}" for name, value in found.constants.items())
        steps = [found.steps_to(digits) for digits in (16, 1000)]
        rows.append(
            (f"`{F}`", start, found.method, found.step, _shown(found.value[0]), *steps, f"certified: {constants}")
        )
        told += [Evidence(found.statement, found.verdict, "ball arithmetic")] if len(told) < 2 else []
    return (
        sg.Text("**Certificates.** Before any step is taken, a theorem may vouch for all of them:"),
        *told,
        sg.Table(
            ("F", "start", "theorem", "at step", "root in a ball about", "steps to 16 digits", "to 1000", "verdict"),
            rows,
            "Where no theorem applies to the start, the exact path is enclosed in balls until one applies: step says "
            "when. No certificate exists for a start in the basin of a cycle, nor, by these theorems, for a "
            "multiple root.",
        ),
    )


def _shown(value):
    return f"{value if abs(value) > 1e-15 else 0:.15g}"


def sensitivity():
    """Return the derivative of Newton's iterates in a parameter beside the implicit function's."""
    subject = implicit_sensitivity("x**3 - a*x - 1", "x", "a")
    path = sensitivity_path(subject, 2, {"a": 1}, steps=7)
    rows = [
        (k, f"{s:.15g}", f"{e / np.log(10):.2f}")
        for k, (s, e) in enumerate(zip(path.sensitivities, path.log_errors, strict=True))
    ]
    return (
        sg.Text(
            "**Differentiating through the steps.** With a parameter $a$ the iterates have a derivative of their own. "
            "It tends to that of the root, one step behind the iterate:"
        ),
        sg.Formula(subject.latex()),
        *subject.identities,
        subject.evidence,
        sg.Table(
            ("step k", "∂x_k/∂a", "log10 of its error"),
            rows,
            f"x**3 - a*x - 1 from 2 at a = 1; the limit is {path.limit:.15g}, the order measured {path.order:.3f}. "
            "Computed in 60 digits.",
        ),
    )
