"""What ``symgrad newton`` answers about a function, a system of equations, or a whole composition."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symgrad.cli import problems, values
from symgrad.cli.answers import Answer, number, signed_log, to_text
from symgrad.errors import InputError

if TYPE_CHECKING:
    from sympy import Expr

    from symgrad.kernels import NewtonStep, SignedLog
    from symgrad.phenomena.newton.local import LocalTheory
    from symgrad.phenomena.newton.orbits import NewtonOrbit

SHOWN_POINTS = 12
DIGITS = 30
DIGITS_TO = 15


@dataclass(frozen=True)
class FunctionQuestion:
    """A function of one unknown, with what is asked of it."""

    function: "Expr"
    variable: str
    domain: str
    start: Any
    steps: int
    period: int
    figure: Path | None


@dataclass(frozen=True)
class SystemQuestion:
    """Residuals of several unknowns, with what is asked of them."""

    functions: "tuple[Expr, ...]"
    variables: tuple[str, ...]
    start: tuple[Any, ...] | None
    steps: int
    rule: str


def function(question: FunctionQuestion) -> Answer:
    """Answer about Newton's step of a function of one unknown."""
    from symgrad.maps import to_text as written
    from symgrad.phenomena.newton.local import local_theory

    found = local_theory(question.function, question.variable, domain=question.domain, period_max=question.period)
    content: dict[str, Any] = {
        "status": "",
        "update": written(found.update.expr),
        "derivative": written(found.derivative),
        "latex": _latex(found),
        "roots": [_root(root) for root in found.roots],
        "cycles": [_cycle(cycle) for cycle in found.cycles],
        "fixed_points": [_cycle(cycle) for cycle in found.fixed_points],
        "singular": [s.value for s in found.singular],
        "singular_exact": [_exact_text(s.exact) for s in found.singular],
        "infinity": {
            "statement": found.infinity.statement,
            "multiplier": _exact_text(found.infinity.multiplier),
            "kind": found.infinity.kind.name.lower(),
            "verdict": found.infinity.verdict.word,
        },
        "conjugacy": None if found.conjugacy is None else found.conjugacy.statement,
        "notes": list(found.notes),
    }
    orbit = None
    if question.start is not None:
        orbit, more = _orbit(found, question)
        content |= more
    content["status"] = _sentence(found, orbit)
    if question.figure is not None:
        _draw(found, orbit, question)
        content["figure"] = str(question.figure)
    return Answer(content, text=to_text(_for_a_person(content)))


def _latex(found: "LocalTheory") -> str:
    from symgrad.derivation.notation import to_latex

    (state,) = found.update.state
    return f"N({to_latex(state)}) = {to_latex(found.update.expr)}"


def _exact_text(value: Any) -> Any:
    """Return an exact number as text, any other as it is; only complex ones contain I, which the grammar has not."""
    from sympy import Expr, I

    from symgrad.maps import to_text as written

    if not isinstance(value, Expr):
        return value
    return str(value) if value.has(I) else written(value)


def _float(value: Any) -> Any:
    """Return a number as float or complex; a symbolic one as text."""
    from sympy import Expr

    if not isinstance(value, Expr):
        return value
    if value.free_symbols:
        return _exact_text(value)
    numeric = complex(value.evalf(20))
    return numeric if numeric.imag else numeric.real


def _root(root: Any) -> dict[str, object]:
    exponent = root.exponent
    return {
        "value": root.value,
        "exact": _exact_text(root.exact),
        "multiplicity": root.multiplicity if root.multiplicity is not None else _exact_text(exponent),
        "order": root.order,
        "multiplier": _float(root.multiplier),
        "error_constant": _float(root.error_constant),
        "convergence": root.convergence.value,
        "verdict": root.verdict.word,
    }


def _cycle(cycle: Any) -> dict[str, object]:
    return {
        "period": cycle.period,
        "points": list(cycle.points),
        "exact": None if cycle.exact is None else [_exact_text(point) for point in cycle.exact],
        "multiplier": _float(cycle.multiplier),
        "kind": cycle.kind.name.lower(),
        "verdict": cycle.verdict.word,
    }


def _orbit(found: "LocalTheory", question: FunctionQuestion) -> "tuple[NewtonOrbit, dict[str, object]]":
    """Return the orbit of the start, and its rows of the answer."""
    from symgrad.phenomena.newton.orbits import Fate, newton_orbit

    orbit = newton_orbit(found.update, question.start, question.steps, derivative=found.derivative)
    fate = "undecided" if orbit.fate is Fate.SINGULAR else orbit.fate.word
    sign = 0.0 if orbit.sign == 0 else float(orbit.sign or 1)
    return orbit, {
        "orbit": [complex(z) if orbit.domain == "complex" else float(z) for z in orbit.orbit],
        "orbit_steps": orbit.indices.tolist(),
        "fate": fate,
        "statement": orbit.statement,
        "reached": list(orbit.attractor.points) if orbit.attractor is not None else [],
        "measured_order": orbit.order,
        "rate": orbit.rate if math.isfinite(orbit.rate) else None,
        "derivative_product": signed_log(sign, orbit.log_product),
        "certificate": _certificate((question.function,), (question.variable,), (question.start,)),
    }


def _certificate(functions: Any, variables: tuple[str, ...], start: tuple[Any, ...]) -> dict[str, object]:
    """Return what a theorem of convergence says about the start, or that none applies."""
    from symgrad.certify.convergence import best_certificate

    try:
        found = best_certificate(functions, variables, start)
    except InputError as refusal:
        return {"method": None, "verdict": "undecided", "statement": str(refusal)}
    certified = found.is_certified
    return {
        "method": found.method if certified else None,
        "verdict": found.verdict.word,
        "root": list(found.value) if certified and found.value is not None else None,
        "radius": found.radius,
        "step": found.step,
        "steps_to_15_digits": found.steps_to(DIGITS_TO) if certified else None,
        "statement": found.statement,
    }


def _sentence(found: "LocalTheory", orbit: "NewtonOrbit | None") -> str:
    roots = len(found.roots)
    what = f"{roots} root{'s' if roots != 1 else ''}" if roots else "no root found"
    attracting = found.attracting_cycles
    cycles = f", {len(attracting)} attracting cycle{'s' if len(attracting) != 1 else ''}" if attracting else ""
    fate = "" if orbit is None else f"; the start: {orbit.statement}"
    return f"Newton's step x - F/F': {what}{cycles}{fate}."


def _for_a_person(content: dict[str, Any]) -> dict[str, object]:
    """Return the answer with the orbit cut short."""
    shown = {key: value for key, value in content.items() if value not in (None, []) and key != "orbit_steps"}
    orbit = content.get("orbit")
    if orbit is not None and len(orbit) > SHOWN_POINTS:
        half = SHOWN_POINTS // 2
        shown["orbit"] = [*orbit[:half], "…", *orbit[-half:]]
    certificate = content.get("certificate")
    if certificate is not None:
        shown["certificate"] = certificate["statement"]
    shown["infinity"] = content["infinity"]["statement"]
    return shown


def _draw(found: "LocalTheory", orbit: "NewtonOrbit | None", question: FunctionQuestion) -> None:
    """Draw the basins in the complex plane, or the update with the steps of the start."""
    from symgrad.report import Figure, write_picture

    assert question.figure is not None
    if question.domain == "complex":
        from symgrad.phenomena.basins.basin_maps import find_basins

        reach = max([2.0, *(1.5 * abs(complex(root.value)) for root in found.roots if root.value is not None)])
        picture: Any = find_basins(found.update, ((-reach, reach), (-reach, reach)), points=600)
    else:
        picture = _steps_panel(found, orbit)
    write_picture(Figure(picture, "Newton's step."), question.figure)


def _steps_panel(found: "LocalTheory", orbit: "NewtonOrbit | None") -> Any:
    """Return the update over its window with the staircase of the start."""
    import numpy as np
    from sympy import lambdify

    from symgrad.maps import expand_activations
    from symgrad.report import Line, Panel, Points

    (state,) = found.update.state
    places = [float(r.value) for r in found.roots if isinstance(r.value, float | int)]
    some = [] if orbit is None or orbit.domain == "complex" else [float(v) for v in orbit.orbit[:40]]
    near = [v for v in (*places, *some) if math.isfinite(v) and abs(v) < 1e6] or [0.0]
    middle, half = (max(near) + min(near)) / 2, max(2.0, 0.75 * (max(near) - min(near)))
    x = np.linspace(middle - half, middle + half, 1201)
    function = lambdify([state], expand_activations(found.update.expr), modules=["scipy", "numpy"])
    with np.errstate(all="ignore"):
        y = np.broadcast_to(np.asarray(function(x), dtype=float), x.shape)
    inside = np.where(np.abs(y - middle) <= 1.5 * half, y, np.nan)
    layers: list[Any] = [
        Line(x, inside, "$N(x) = x - F/F'$", colour="blue"),
        Line(x, x, "$x$", colour="grey", stroke="dashed"),
    ]
    if len(some) > 1:
        across, up = np.repeat(some, 2)[:-1], np.repeat(some, 2)[1:]
        layers.append(Line(across, up, "steps of the start", colour="vermillion", width=1.2))
    if places:
        layers.append(Points(np.array(places), np.array(places), "roots", colour="black"))
    window = (middle - half, middle + half)
    return Panel(layers, f"${state}$", f"$N({state})$", xlim=window, ylim=window, legend="below")


def system(question: SystemQuestion) -> Answer:
    """Answer about Newton's or Gauss-Newton's step of a system."""
    from symgrad.derivation.update_rules import update
    from symgrad.maps import to_text as written

    rule = "newton_system" if question.rule == "newton" else "gauss_newton"
    content: dict[str, Any] = {"status": "", "update": None, "derivative": None, "latex": None}
    content |= {"roots": [], "cycles": [], "singular": []}
    if len(question.variables) <= 3:
        step = update(rule, question.functions, question.variables)
        exprs = step.map.exprs
        content |= {
            "update": [written(e) for e in exprs],
            "derivative": [[written(e) for e in row] for row in step.derivative.tolist()],
            "latex": step.latex(),
            "singular": [f"{written(e)} = 0" for e in step.singular],
        }
    content["status"] = f"{question.rule.replace('_', '-').capitalize()} step of {len(question.functions)} equations."
    if question.start is not None:
        content |= _path(question)
        content["status"] = content["statement"]
    return Answer(content)


def _path(question: SystemQuestion) -> dict[str, Any]:
    from symgrad.phenomena.newton.systems import solve_system

    start = [float(v) for v in question.start or ()]
    path = solve_system(question.functions, question.variables, start, rule=question.rule, steps=question.steps)
    words = {"stationary": "undecided", "singular": "undecided"}
    return {
        "orbit": path.positions.tolist(),
        "residuals": path.residual_norms.tolist(),
        "fate": words.get(path.fate.word, path.fate.word),
        "end": path.fate.word,
        "kind": path.kind,
        "measured_order": path.measured_order,
        "rate": math.log(path.rate) if path.rate else None,
        "statement": path.statement,
        "certificate": _certificate(question.functions, question.variables, question.start or ())
        if len(question.functions) == len(question.variables)
        else {"method": None, "verdict": "undecided", "statement": "more equations than unknowns"},
    }


def composition(problem: problems.Problem, target: str | None) -> Answer:
    """Answer about Newton's step of a composition, in the input or in a parameter."""
    from symgrad.derivation import newton_of_composition, newton_of_loss

    chain = problem.composition()
    if problem.loss is not None:
        rule: Any = newton_of_loss(chain, problem.loss, wrt=problem.wrt[0])
    else:
        assert target is not None
        rule = newton_of_composition(chain, target)
    update, derivative, *further = rule.text()
    content: dict[str, Any] = {
        "status": "",
        "update": update,
        "derivative": derivative,
        "latex": rule.latex(),
        "derivative_latex": rule.derivative_latex(),
        "definitions": list(further),
        "roots": [],
        "cycles": [],
        "singular": [],
    }
    content["status"] = "Newton's step of a composition divides the residual by the chain product."
    if problem.loss is not None:
        content["status"] = "Newton's step towards a minimum divides the slope of the loss by its curvature."
    if problem.start is not None and isinstance(problem.depth, int):
        content |= _step(problem, rule)
        content["status"] += f" At depth {problem.depth} {content['statement']}."
    if problem.start is not None and problem.loss is None and not problem.layered and problem.layers == 1:
        content |= _regime(problem, target)
        content["status"] += f" Regime: {content['regime_statement']}."
    shown = {key: value for key, value in content.items() if value not in (None, [], "")}
    return Answer(content, text=to_text(shown))


def _regime(problem: problems.Problem, target: str | None) -> dict[str, Any]:
    """Return what becomes of the step as layers are added."""
    from dataclasses import replace

    from symgrad.derivation import newton_of_composition
    from symgrad.phenomena import step_regime

    _refuse_missing(problem)
    assert target is not None
    rule = newton_of_composition(replace(problem, depth="n").composition(), target)
    (start,) = problem.start or ()
    given = {name: values.exact(value) for name, value in problem.settings.items()}
    found = step_regime(rule, values.exact(start), given)
    return {
        "regime": found.behaviour.word,
        "rate": found.rate if math.isfinite(found.rate) else None,
        "verdict": found.verdict.word,
        "regime_statement": found.statement,
        "statements": [statement.text for statement in found.exact],
    }


def _refuse_missing(problem: problems.Problem) -> None:
    missing = sorted(set(problem.all_names) - set(problem.settings))
    if missing:
        raise InputError(f"{', '.join(missing)} has no value; give e.g. --set {missing[0]}=1, or leave --start out")


def _step(problem: problems.Problem, rule: Any) -> dict[str, Any]:
    """Return the numbers of one step: sign and logarithm, whatever its size."""
    from symgrad.kernels import composition_newton_step, loss_newton_step

    start, parameters = problem.kernel_start(), problem.kernel_parameters()
    taken = loss_newton_step if problem.loss is not None else composition_newton_step
    _refuse_missing(problem)
    found = taken(rule, start, parameters, digits=DIGITS)
    return {
        "step": _signed(found.step),
        "next": _number(found.update),
        "step_derivative": _signed(found.derivative),
        "residual": _signed(found.residual),
        "chain_product": _signed(found.product),
        "curvature": _signed(found.curvature),
        "statement": _step_sentence(found, problem),
    }


def _step_sentence(found: "NewtonStep", problem: problems.Problem) -> str:
    if int(found.status) != 0:
        return "the step does not exist: the slope it divides by is 0, or the chain has no value"
    log_step = float(found.step.log_abs)
    if log_step == -math.inf:
        return "the step is exactly 0"
    assert isinstance(problem.depth, int)
    rate = -float(found.product.log_abs) / problem.depth
    turn = "grows" if rate > 0 else "shrinks"
    return f"the step is {log_step:.6g} in logarithm; at a fixed residual it {turn} by {abs(rate):.6g} nats per layer"


def _signed(value: "SignedLog") -> dict[str, object] | None:
    return signed_log(float(value.sign), float(value.log_abs))


def _number(value: "SignedLog") -> object:
    return number(float(value.sign), float(value.log_abs), float(value.value))
