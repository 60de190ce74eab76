"""``symgrad derive``: the chain product and the gradient, exactly."""

import argparse
from typing import TYPE_CHECKING

from symgrad.cli import problems, values
from symgrad.cli.answers import Answer
from symgrad.cli.arguments import Command, Option, one_of

if TYPE_CHECKING:
    from sympy import Expr

    from symgrad.derivation import ChainProduct, Factor, Gradient
    from symgrad.evidence import Evidence

LARGEST_CHECK = 400
FORMAT = Option(
    "--format", "text|latex|markdown|python", "how to print it", one_of("text", "latex", "markdown", "python"), "text"
)
START = Option(
    "--start",
    "V[,V…]",
    "the state that enters the first layer, written where x[0] stands; the function of --format python takes its own",
    values.numbers,
)


def derive(arguments: argparse.Namespace) -> Answer:
    """Answer with the factors, the chain product, its closed form and the gradient."""
    problem = problems.read_problem(arguments, default_depth="n")
    problems.check_names(problem)
    problems.extend(arguments.extend)

    from symgrad.derivation import chain_product, gradient

    product = chain_product(problem.composition())
    slope = gradient(product.composition, problem.loss, wrt=problem.wrt or problem.all_names)
    content = _content(problem, product, slope)
    if arguments.format == "text":
        return Answer(content)
    printed = {"latex": _latex, "markdown": _markdown, "python": _python}[arguments.format](product, slope)
    if arguments.format != "python":
        printed += _start_formula(_start(problem), markdown=arguments.format == "markdown")
    return Answer({**content, "formatted": printed}, text=printed)


def _content(problem: problems.Problem, product: "ChainProduct", slope: "Gradient") -> dict[str, object]:
    from symgrad.maps import to_text

    start = _start(problem)
    closed, forms, where = _closed_forms(product, start)
    evidence = _evidence(product, closed, where)
    factors = [_written(factor, start) for factor in product.factors]
    scalar = product.composition.dimension == 1
    proved = sum(item.verdict.word == "proved" for item in evidence)
    what = "the loss" if slope.loss is not None else "the last state"
    begin = ", ".join(f"{to_text(state)} = {to_text(value)}" for state, value in start.items())
    return {
        "status": f"Derived exactly{f' from {begin}' if begin else ''}: the chain product, and the gradient of {what}; "
        f"{proved} of {len(evidence)} checks of it proved.",
        "composition": product.composition.canonical,
        "factors": factors,
        "chain_product": to_text(product.expr.xreplace(start)) if scalar else _ordered(product, factors),
        "chain_product_latex": product.latex(),
        **forms,
        "gradient": {
            name: to_text(slope.written_out(name).xreplace(start)) if scalar else slope.text(name) for name in slope.wrt
        },
        "evidence": [{"claim": e.claim, "verdict": e.verdict.word, "method": e.method} for e in evidence],
    }


def _closed_forms(product: "ChainProduct", start: dict["Expr", "Expr"]) -> tuple["Expr | None", dict[str, object], str]:
    """Return the product's closed form as an expression, all that is printed of it, and where it holds."""
    from sympy import IndexedBase

    from symgrad.derivation import closed_form
    from symgrad.maps import to_text

    state = product.composition.state
    form = closed_form(product.composition, start=[start[IndexedBase(s)[0]] for s in state] if start else None)
    closed = product.closed_form() if form is None else None
    branches = () if form is None else form.branches
    tables = [[[to_text(e) for e in row] for row in branch.jacobian] for branch in branches]
    products = [t[0][0] if len(t) == 1 else "[" + ", ".join(f"[{', '.join(row)}]" for row in t) + "]" for t in tables]
    states = ["; ".join(to_text(e) for e in branch.iterates) for branch in branches]
    general = bool(branches) and not branches[0].special and not products[0].count("Product(")
    if general and len(state) == 1:
        closed = branches[0].derivative
    return (
        closed,
        {
            "closed_form": products[0] if general else None if closed is None else to_text(closed),
            "proof": "induction" if general or closed is not None else None,
            "closed_form_state": states[0] if states else None,
            "family": None if form is None else form.family,
            "branches": [
                {"condition": branch.condition, "state": state, "product": product}
                for branch, state, product in zip(branches, states, products, strict=True)
            ],
        },
        "" if form is None else form.product_condition,
    )


def _start(problem: problems.Problem) -> dict["Expr", "Expr"]:
    """Return the substitution x[0] → the start given."""
    from sympy import IndexedBase

    from symgrad.parsing import to_exact
    from symgrad.symbols import real

    return {IndexedBase(real(name))[0]: to_exact(v) for name, v in problem.start_values().items()}


def _start_formula(start: dict["Expr", "Expr"], *, markdown: bool) -> str:
    """Return the start as a formula of its own, empty where none is given."""
    from symgrad.derivation import to_latex

    if not start:
        return ""
    formula = r",\quad ".join(f"{to_latex(state)} = {to_latex(value)}" for state, value in start.items())
    return f"\n\nStart:\n\n```math\n{formula}\n```" if markdown else f"\n{formula}"


def _written(factor: "Factor", start: dict["Expr", "Expr"]) -> str:
    from symgrad.maps import to_text

    rows = [[to_text(e.xreplace(start)) for e in row] for row in factor.matrix]
    return rows[0][0] if len(rows) == 1 else "[" + ", ".join(f"[{', '.join(row)}]" for row in rows) + "]"


def _ordered(product: "ChainProduct", factors: list[str]) -> str:
    """Write a product of matrices, the last layer's on the left."""
    parts, rest = [], list(factors)
    for placed in product.blocks:
        size = len(placed.block.body)
        body = " * ".join(reversed(rest[:size]))
        rest = rest[size:]
        parts.append(body if placed.block.depth == 1 else f"Product({body}, (k, 1, {placed.block.depth}))")
    return " * ".join(reversed(parts))


def _evidence(product: "ChainProduct", closed: "Expr | None", condition: str) -> list["Evidence"]:
    """Check the derivation by a second way: the written-out iterate, and the factors through the layers' outputs."""
    from symgrad.derivation import zero_proof
    from symgrad.evidence import Evidence, Verdict
    from symgrad.maps import to_text

    found = []
    for claim, differences in _claims(product):
        small = sum(d.count_ops() for d in differences) <= LARGEST_CHECK
        methods = [zero_proof(d) for d in differences] if small else [None]
        proved = all(methods)
        verdict = Verdict.PROVED if proved else Verdict.UNDECIDED
        found.append(Evidence(claim, verdict, str(methods[0]) if proved else "none of the normal forms decided it"))
    if closed is not None:
        (state,) = product.composition.state
        where = f" for {state}[0] = {state}" if state in closed.free_symbols else ""
        where += f" where {condition}" if condition not in ("", "always") else ""
        found.append(Evidence(f"{to_text(product.expr)} = {to_text(closed)}{where}", Verdict.PROVED, "induction"))
    return found


def _claims(product: "ChainProduct") -> list[tuple[str, list["Expr"]]]:
    """Return statements about the first factors, each with the differences that must vanish."""
    from sympy import Integer, Matrix

    from symgrad.maps import differentiate, to_text

    first = product.blocks[0]
    chain = [f for t in ((1, 2) if first.block.depth != 1 else (1,)) for f in first.at(Integer(t))]
    chain += [f for placed in product.blocks[1:3] if placed.block.depth == 1 for f in placed.at(Integer(1))]
    chain = chain[: 2 if product.composition.dimension > 1 else 3]
    state = list(product.composition.state)
    entering, total, claims = state, Matrix.eye(len(state)), []
    for position, factor in enumerate(chain):
        here = _plain_states(factor, entering)
        total = Matrix(factor.matrix).applyfunc(lambda e, here=here: _plain(e.xreplace(here))) * total
        leaving = [_plain(factor.place(e).xreplace(here)) for e in factor.layer.exprs]
        new = factor.layer not in {f.layer for f in chain[:position]}
        if new and len(state) == 1 and factor.by_output != factor.expr:
            output = _plain_states(factor, leaving, step=1)
            short = _plain(factor.by_output.xreplace(output).xreplace(here))
            claim = f"{to_text(factor.by_output)} = {to_text(factor.expr)}"
            claims.append((claim, [short - _plain(factor.expr.xreplace(here))]))
        entering = leaving
    slopes = [differentiate(e, s) - total[i, j] for i, e in enumerate(entering) for j, s in enumerate(state)]
    word = "factor is" if len(chain) == 1 else f"{len(chain)} factors multiply to"
    return [(f"the first {word} the derivative of the written-out composition", slopes), *claims]


def _plain_states(factor: "Factor", values: list["Expr"], *, step: int = 0) -> dict["Expr", "Expr"]:
    """Return the substitution of the indexed states that enter (or with step 1 leave) a factor's layer."""
    from sympy import IndexedBase

    states = factor.layer.state
    return {IndexedBase(s)[factor.entering + step]: v for s, v in zip(states, values, strict=True)}


def _plain(expr: "Expr") -> "Expr":
    """Write each w[1] as a symbol w_1 of its own."""
    from sympy import Indexed

    from symgrad.symbols import real

    return expr.xreplace({i: real(f"{i.base.label.name}_{i.indices[0]}") for i in expr.atoms(Indexed)})


def _latex(product: "ChainProduct", slope: "Gradient") -> str:
    lines = [product.latex(), *(slope.latex(name) for name in slope.wrt)]
    return "\n".join(lines)


def _markdown(product: "ChainProduct", slope: "Gradient") -> str:
    what = "loss" if slope.loss is not None else "last state"
    parts = [f"Chain product:\n\n```math\n{product.latex()}\n```"]
    parts += [f"Gradient of the {what} in `{name}`:\n\n```math\n{slope.latex(name)}\n```" for name in slope.wrt]
    return "\n\n".join(parts)


def _python(product: "ChainProduct", slope: "Gradient") -> str:
    from symgrad.kernels import to_kernel

    return to_kernel(slope if slope.wrt else product).source


COMMAND = Command(
    name="derive",
    summary="derive the chain product and the gradient of a composition, exactly",
    options=(*problems.COMPOSITION_OPTIONS, problems.SYMBOLIC_DEPTH, START, FORMAT),
    run=derive,
    operand=problems.EXPRESSION,
    example='symgrad derive "x + tanh(w*x + b)" --depth n --wrt w,b',
)
