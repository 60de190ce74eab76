"""Which root Newton's method finds from which start: basins in the plane, cycles inside them, parameter planes."""

from dataclasses import replace

import sympy

import symgrad as sg
from symgrad.derivation.local_theory import conjugacy_to_square, superattracting_parameters
from symgrad.derivation.update_rules import update
from symgrad.evidence import Evidence
from symgrad.phenomena.basins.basin_maps import find_basins
from symgrad.phenomena.basins.parameter_planes import parameter_plane
from symgrad.phenomena.basins.refinement import refine
from symgrad.phenomena.newton.local import cycles_of
from symgrad.report import Points, panels_of

CUBE, CYCLIC, FAMILY = "z**3 - 1", "z**3 - 2*z + 2", "z**3 + (a - 1)*z - a"
SQUARE = ((-1.6, 1.6), (-1.6, 1.6))
WIDE, NEAR = ((-2.2, 2.2), (-2.2, 2.2)), ((-0.35, 0.35), (-0.35, 0.35))
RULES = (
    ("damped, h = 1/2", "damped", {"h": "1/2"}),
    ("Halley", "halley", {}),
    ("Newton for F/F′", "schroder_modified", {}),
)
PLANE, COPY = ((-2.6, 2.0), (-2.3, 2.3)), ((0.25, 0.36), (1.585, 1.695))
ROOTS = ("1", "-1/2 + sqrt(1 - 4*a)/2", "-1/2 - sqrt(1 - 4*a)/2")


@sg.analysis(
    question="Which root does Newton's method find from which start, and can it find none?",
    reference=(
        "Cayley (1879), Amer. J. Math. 2:97; Curry, Garnett & Sullivan (1983), Commun. Math. Phys. 91:267; Douady & "
        "Hubbard (1985), Ann. Sci. École Norm. Sup. 18:287; Peitgen & Richter (1986), The Beauty of Fractals, chapter 6"
    ),
)
def newton_basins(scale: sg.Scale) -> sg.Report:
    """The nearer of two, by a straight border; of three, borders where all basins meet; for some cubics often none.

    A start finds no root on an open set where a cycle attracts, and that is decided by the inflection point of F.
    """
    return sg.Report(*three_roots(scale), *a_cycle(scale), *other_rules(scale), *parameters(scale))


def plane(F, window, scale, rule="newton", points=250, factor=3, **options):
    """Return the basins of a rule for F, refined at their borders."""
    step = update(rule, F, "z", domain="complex", **options).map
    coarse = find_basins(step, window, points=60 if scale.quick else points)
    return coarse if scale.quick else refine(coarse, factor)


def below(picture):
    """Return the one panel of a picture with its legend below."""
    (panel,) = panels_of(picture)
    return replace(panel, legend="below")


def sampled(basins):
    """Return the statement of basins as evidence."""
    claim, _, method = basins.statement.rpartition(" (")[0].partition("; ")
    return Evidence(claim, basins.verdict, method)


def three_roots(scale):
    """Return why two roots share the plane by a line, and how three do."""
    square, basins = conjugacy_to_square("z**2 - c", "z"), plane(CUBE, SQUARE, scale)
    return (
        sg.Text(
            "**Two roots.** Newton's step for a quadratic is squaring in disguise: the starts with "
            "$|(z + \\sqrt c)/(z - \\sqrt c)| < 1$ go to one root, those with $> 1$ to the other, and the border is "
            "the line between, which is chaotic."
        ),
        Evidence(square.statement, square.verdict, square.method, domain=square.conditions),
        sg.Text("**Three roots.** No such line exists: wherever two basins meet, the third is there too."),
        sg.Figure(
            basins,
            "Newton's method for z³ − 1: the colour is the root, the brightness how many steps it takes. A point of "
            "the border has all three colours in every neighbourhood.",
            alt="Three basins of equal rank with a fractal border of ever smaller chains of drops.",
            size=(8.6, 6.6),
        ),
        sampled(basins),
    )


def a_cycle(scale):
    """Return the basins of the cubic whose inflection point lies on a cycle."""
    whole, near = plane(CYCLIC, WIDE, scale), plane(CYCLIC, NEAR, scale)
    (cycle,) = (
        c
        for c in cycles_of(update("newton", "x**3 - 2*x + 2", "x").map, period_max=2).cycles
        if c.period == 2 and c.multiplier == 0
    )
    return (
        sg.Text(
            "**No root at all.** For $z^3 - 2z + 2$ the inflection point 0 is sent to 1 and back. The derivative of "
            "two steps vanishes there, so that every start near enough stays for ever:"
        ),
        Evidence(
            f"N(0) = 1, N(1) = 0: a {cycle.kind.value} cycle of multiplier {cycle.multiplier}",
            cycle.verdict,
            "the roots of the dynatomic polynomial",
        ),
        sg.Figure(
            [below(whole), below(near)],
            "Newton's method for z³ − 2z + 2. Black starts go to the cycle 0 ↔ 1 (yellow marks) and never find a root. "
            "Right: around 0, six times as near.",
            alt="Basins of three roots with black islands that end on a 2-cycle, the largest around 0 and 1.",
            columns=2,
            size=(13.3, 8.2),
        ),
        sampled(whole),
    )


def other_rules(scale):
    """Return the basins of z**3 - 1 under other rules."""
    panels, rows = [], []
    for name, rule, options in RULES[1:2] if scale.quick else RULES:
        basins = plane(CUBE, SQUARE, scale, rule, points=160, **options)
        panels += [replace(panel, title=name, legend="none") for panel in panels_of(basins)]
        shares = ", ".join(f"{share:.2%}" for share in basins.shares().values())
        rows.append((name, f"`{basins.update.expr}`", shares))
    return (
        sg.Text("**Other rules** for $z^3 - 1$ have the same roots and other borders."),
        sg.Figure(
            panels,
            "Shorter steps take longer and chain the drops up; Halley's step has the calmest border; Newton's method "
            "for F/F′ also has an attracting root at each root of F, and none elsewhere.",
            alt="Basins of three rules for z³ − 1.",
            columns=len(panels),
            size=(13.3, 4.8),
        ),
        sg.Table(
            ("rule", "N(z)", "shares of the window, the roots from left to right"), rows, "Sampled, on the grids drawn."
        ),
    )


def parameters(scale):
    """Return the parameters at which the inflection point finds a cycle instead of a root."""
    family = update("newton", FAMILY, "z", domain="complex").map
    points = 60 if scale.quick else 360
    whole = parameter_plane(family, "a", 0, PLANE, points=points, roots=ROOTS)
    copy = parameter_plane(family, "a", 0, COPY, points=points, roots=ROOTS)
    real = update("newton", "x**3 + (a - 1)*x - a", "x").map
    found = superattracting_parameters(real, "a", 2)
    centre = max((complex(v) for v in sympy.Poly(found[0].minimal).nroots(n=20)), key=lambda v: v.imag)
    panel = below(copy)
    marked = Points([centre.real], [centre.imag], colour="white", marker="star", size=11.0)
    mark = replace(panel, layers=(*panel.layers, marked), title="near 0.32 + 1.63i")
    return (
        sg.Text(
            "**For which cubics?** Up to scale, a cubic with distinct roots is $z^3 + (a - 1)z - a$. An attracting "
            "cycle needs a critical point of N, and the only free one is the inflection point 0 (Fatou). Its fate "
            "tells whether Newton's method fails on an open set of starts; where it does, the parameters form copies "
            "of the Mandelbrot set:"
        ),
        sg.Claim("diff(z - (z**3 + (a - 1)*z - a)/(3*z**2 + a - 1), z)", "=", CRITICAL).examine(),
        sg.Figure(
            [below(whole), mark],
            "Left: the root that the inflection point finds, for every parameter a; root 0 is 1. Right: one of the "
            "small black places on the left, enlarged forty times: for these a no start near 0 finds a root, but a "
            "cycle of the period shown. The star is the exact centre; grey borders need more than the 300 steps "
            "allowed.",
            alt="A parameter plane in three colours with small islands; one island is a copy of the Mandelbrot set.",
            columns=2,
            size=(13.3, 8.6),
        ),
        Evidence(
            f"0 lies on a 2-cycle of multiplier 0 exactly if {found[0].minimal} = 0: a = {found[0].value:.15g}, "
            f"a = {centre.real:.12f} ± {centre.imag:.12f} i",
            found[0].verdict,
            "the numerator of N(N(0)), without the factors of period 1",
        ),
        *(Evidence(f"{p.statement.rpartition(' (')[0]}", p.verdict, "one orbit for each point") for p in (whole, copy)),
    )


CRITICAL = "6*z*(z**3 + (a - 1)*z - a)/(3*z**2 + a - 1)**2"
