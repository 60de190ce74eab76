"""Newton's method for systems of equations: six problems of the standard collection, their fates and orders."""

import numpy as np
import sympy

import symgrad as sg
from symgrad.certify.convergence import best_certificate
from symgrad.derivation.update_rules import update
from symgrad.evidence import Evidence, Verdict
from symgrad.phenomena.newton.more_garbow_hillstrom import PROBLEMS
from symgrad.phenomena.newton.systems import solve_system
from symgrad.report import Heatmap, Line, Panel, Points, Trajectory

RULES = {"newton": "Newton", "gauss_newton": "Gauss-Newton", "newton_minimum": "Newton, minimum"}
COLOURS = dict(zip(PROBLEMS, ("blue", "vermillion", "black", "green", "purple", "orange"), strict=True))
WINDOWS = {
    "Rosenbrock": ((-1.7, 1.7), (-3.6, 2)),
    "Freudenstein and Roth": ((-1, 14), (-3, 5)),
    "Beale": ((-0.6, 3.6), (-0.6, 1.6)),
}
CERTIFIED = (
    ("Rosenbrock", (-1.2, 1)),
    ("Rosenbrock", (1.2, 1.2)),
    ("Freudenstein and Roth", (5.1, 4.1)),
    ("Helical valley", (1.05, 0.05, 0.02)),
)


@sg.analysis(
    question="What becomes of Newton's method on the standard test problems?",
    reference=(
        "Moré, Garbow & Hillstrom (1981), ACM Trans. Math. Softw. 7:17; Ortega & Rheinboldt (1970), Iterative Solution "
        "of Nonlinear Equations in Several Variables, chapter 10; Nocedal & Wright (2006), Numerical Optimization, "
        "chapter 10; Reddien (1978), SIAM J. Numer. Anal. 15:993 (singular roots)"
    ),
)
def newton_systems(scale: sg.Scale) -> sg.Report:
    """Order 2 at every root with a regular Jacobian, rate 1/2 at Powell's singular one; no step from Beale's start.

    Newton's method for the minimum ends at a saddle from Beale's start and from Wood's: its steps ask for a zero slope.
    """
    paths = all_paths(scale)
    return sg.Report(*the_step(), table(paths), *singular(), *pictures(paths, scale), *certificates(scale))


def all_paths(scale):
    """Return (problem, rule) ↦ path from the standard start."""
    digits = 60 if scale.quick else 200
    names = ("Rosenbrock", "Beale", "Powell singular") if scale.quick else PROBLEMS
    paths = {}
    for name in names:
        problem = PROBLEMS[name]
        for rule in RULES:
            square = len(problem.residuals) == len(problem.unknowns)
            if rule == ("gauss_newton" if square else "newton"):
                continue
            paths[name, rule] = solve_system(
                problem.residuals, problem.unknowns, problem.start, rule=rule, digits=digits
            )
    return paths


def the_step():
    """Return the symbolic step of the smallest problem with what it rests on."""
    problem = PROBLEMS["Rosenbrock"]
    step = update("newton_system", "; ".join(problem.residuals), ",".join(problem.unknowns))
    return (
        sg.Text(
            "Newton's step solves $J s = -F$. For Rosenbrock's residuals the step is found once, with symbols; its "
            "second iterate is the root, from any start:"
        ),
        sg.Formula(step.latex(), "Newton's step for Rosenbrock's residuals"),
        *step.statements[1:],
    )


def table(paths):
    """Return where every path ends, and how fast."""
    rows = []
    for (name, rule), path in paths.items():
        problem = PROBLEMS[name]
        order = "" if path.measured_order is None else f"{path.measured_order:.3f}"
        rate = "" if path.rate is None else f"{path.rate:.8f}"
        end = ", ".join(f"{0.0 if abs(v) < 1e-7 else v:.6g}" for v in path.end)
        fate = path.fate.word + (f": {path.kind}" if path.kind else "")
        rows.append(
            (
                f"{problem.number} {name}",
                RULES[rule],
                len(path.positions) - 1,
                f"({end})",
                f"{path.sum_of_squares if path.sum_of_squares > 1e-12 else 0:.6g}",
                fate,
                order,
                rate,
            )
        )
    digits = next(iter(paths.values())).digits
    return sg.Table(
        ("problem", "rule", "steps", "end", "sum of squares", "fate", "order", "rate"),
        rows,
        f"From the standard starts. Sampled: the path in float64, the order and the rate from the last three of its "
        f"steps in {digits} digits; no order where a point is met exactly. Newton's own rule needs as many residuals "
        "as unknowns; where there are more it is Gauss-Newton.",
    )


def singular():
    """Return why Powell's problem is slow and Beale's start has no step, as identities."""
    powell, beale = (PROBLEMS[name] for name in ("Powell singular", "Beale"))
    unknowns = [sg.expression(u) for u in powell.unknowns]
    jacobian = sympy.Matrix([[sg.differentiate(sg.expression(r), u) for u in unknowns] for r in powell.residuals])
    x1, x2 = (sg.expression(u) for u in beale.unknowns)
    slopes = [sg.differentiate(sg.expression(r), x1) for r in beale.residuals]
    determinant = sympy.factor(jacobian.det())
    return (
        sg.Text(
            "**Powell's problem** has its root where two residuals are squares, so that the Jacobian is singular "
            "there. On the null space each step halves the error, as at a double root of one equation. The sum of "
            "squares is of fourth order there, its slope of third, and the steps towards the minimum leave 2/3 of the "
            "error:"
        ),
        sg.Formula(rf"\det J = {sympy.latex(determinant)}"),
        sg.Claim("x - x**2/diff(x**2, x) = x/2").examine(),
        sg.Claim("x - diff(x**4, x)/diff(x**4, x, 2) = 2*x/3").examine(),
        sg.Text(
            "**Beale's start** (1, 1) has no Gauss-Newton step: the derivatives of the residuals in x1 are "
            + ", ".join(f"`{s}`" for s in slopes)
            + ", all 0 at x2 = 1. Newton's method for the minimum takes two steps from there and ends at the saddle "
            "(0, 1), where the gradient is 0:"
        ),
        *saddle(beale, x1, x2),
    )


def saddle(problem, x1, x2):
    """Return that Beale's saddle is stationary and that its curvatures have both signs, exactly."""
    total = sum((sg.expression(r) ** 2 for r in problem.residuals), sympy.Integer(0)) / 2
    at = {x1: 0, x2: 1}
    hessian = sympy.hessian(total, (x1, x2)).subs(at)
    slope = [sg.differentiate(total, each) for each in (x1, x2)]
    vanish = all(s.subs(at) == 0 for s in slope)
    return (
        Evidence(
            f"at (0, 1) both derivatives of the sum of squares are 0, and its Hessian has the determinant "
            f"{hessian.det()}",
            Verdict.PROVED if vanish and hessian.det() < 0 else Verdict.UNDECIDED,
            "exact substitution",
        ),
    )


def pictures(paths, scale):
    """Return the paths over the sum of squares of three problems, and all step lengths."""
    panels = []
    for name, window in WINDOWS.items():
        problem = PROBLEMS[name]
        if all(key[0] != name for key in paths):
            continue
        xs, ys = (np.linspace(*ends, 61 if scale.quick else 161) for ends in window)
        symbols = [sg.expression(u) for u in problem.unknowns]
        residuals = sympy.lambdify(symbols, [sg.expression(r) for r in problem.residuals], "numpy")
        total = sum(np.broadcast_to(r, (xs.size, ys.size)) ** 2 for r in residuals(xs[:, None], ys[None, :]))
        layers = [
            Heatmap(xs, ys, np.log10(np.maximum(total, 1e-4)), r"$\log_{10}$ of the sum of squares", low=-3, high=4)
        ]
        for rule in RULES:
            if (path := paths.get((name, rule))) is not None and len(path.positions) > 1:
                layers.append(Trajectory(*path.positions.T, RULES[rule], colour=PATHS[rule]))
        minima = np.array([place for _, place in problem.minima]).T
        layers.append(Points(*minima, "minima", colour="yellow", marker="diamond", size=8.0))
        limits = {"xlim": window[0], "ylim": window[1]}
        panels.append(Panel(layers, "$x_1$", "$x_2$", name, legend="below", **limits))
    return (
        sg.Figure(
            panels,
            "Paths from the standard starts over the sum of squares. Rosenbrock: two steps to the bottom of the valley "
            "and along it. Freudenstein and Roth: Newton finds the root after forty steps far out of the picture, the "
            "other rule a local minimum. Beale: from a start without a Gauss-Newton step, to a saddle.",
            alt="Paths of two rules over the landscapes of three test problems.",
            columns=len(panels),
            size=(13.3, 5.6),
        ),
        lengths(paths),
    )


PATHS = {"newton": "vermillion", "gauss_newton": "vermillion", "newton_minimum": "white"}


def lengths(paths):
    """Return the length of every step of the rules for roots."""
    panels = []
    for title, rules in (("roots", ("newton", "gauss_newton")), ("minima", ("newton_minimum",))):
        lines = []
        for (name, rule), path in paths.items():
            steps = np.linalg.norm(np.diff(path.positions, axis=0), axis=1)
            if rule in rules and len(steps) > 1:
                lines.append(
                    Line(np.arange(1, len(steps) + 1), np.log10(np.maximum(steps, 1e-17)), name, colour=COLOURS[name])
                )
        panels.append(
            Panel(
                lines,
                "step",
                r"$\log_{10}$ of the step's length",
                f"rules for {title}",
                ylim=(-12, 3),
                legend="below",
            )
        )
    return sg.Figure(
        panels,
        "Step lengths in float64. A path wanders, then falls off a cliff: the digits double. Powell's singular root "
        "is the straight line, at the rate 1/2 for the root and 2/3 for the minimum.",
        alt="Lengths of the steps of all paths: sudden drops, and one straight line.",
        columns=2,
    )


def certificates(scale):
    """Return what can be certified about four starts."""
    rows = []
    for name, start in CERTIFIED[: 2 if scale.quick else None]:
        problem = PROBLEMS[name]
        found = best_certificate(problem.residuals, problem.unknowns, start, steps=10)
        point = ", ".join(f"{v:g}" for v in start)
        if found.is_certified:
            bounds = f"{found.error_after(found.step):.2e}", found.steps_to(16), found.steps_to(1000)
        else:
            bounds = "", "", ""
        rows.append((name, f"({point})", found.method, found.step, *bounds, found.verdict.word))
    first = PROBLEMS["Rosenbrock"]
    told = best_certificate(first.residuals, first.unknowns, (1.2, 1.2))
    return (
        sg.Text("**Certificates.** The theorems of one equation hold for systems:"),
        Evidence(told.statement, told.verdict, "ball arithmetic"),
        sg.Table(
            ("problem", "start", "theorem", "at step", "error then", "steps to 16 digits", "to 1000", "verdict"),
            rows,
            "At step: the iterate of the exact path, enclosed in balls, to which the theorem was applied.",
        ),
    )
