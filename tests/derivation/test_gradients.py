"""Gradients: recurrences and the written-out sum say the same, and both say what numbers say."""

import pickle
import random
from typing import Any

import pytest
import sympy
from sympy import Indexed, IndexedBase, Product, Rational, Sum, preorder_traversal

from symgrad.derivation import Gradient, chain_product, gradient
from symgrad.errors import InputError
from symgrad.maps import Composition, Map, composition_from_text, expand_activations, expression, stack
from symgrad.symbols import k, n, real, w, x

X = IndexedBase(x)
henon = Map(("1 - a*x**2 + y", "b*x"), ("x", "y"))
NAMES = "w b v".split()


def written_iterate(chain: Composition) -> sympy.Expr:
    """Write the last state out in the start and the parameters, w[k] as the symbol w_k."""
    value: sympy.Expr = x
    for layer, at in chain.schedule():
        own = {i: real(f"{i.base.label.name}_{at}") for i in layer.expr.atoms(Indexed)}
        value = layer.expr.xreplace(own).subs(x, value)
    return value


def states(chain: Composition, at: dict[Any, Any]) -> list[sympy.Expr]:
    orbit = [at[x]]
    for layer, application in chain.schedule():
        own = {i: at[real(f"{i.base.label.name}_{application}")] for i in layer.expr.atoms(Indexed)}
        known = {**at, x: orbit[-1]}
        orbit.append(sympy.N(expand_activations(layer.expr.xreplace(own)).subs(known), 40))
    return orbit


def evaluated(expr: sympy.Expr, chain: Composition, at: dict[Any, Any]) -> sympy.Expr:
    """Evaluate an expression over indexed states and parameters."""
    orbit = states(chain, at)
    done = expr.replace(Sum, lambda f, limits: sum(f.subs(limits[0], i) for i in range(1, int(limits[2]) + 1)))
    done = done.replace(
        Product,
        lambda f, limits: sympy.Mul(*(f.subs(limits[0], i) for i in range(int(limits[1]), int(limits[2]) + 1))),
    )
    done = done.replace(
        lambda e: isinstance(e, Indexed),
        lambda e: orbit[int(e.indices[0])] if e.base == X else at[real(f"{e.base.label.name}_{e.indices[0]}")],
    )
    return sympy.N(expand_activations(done).subs(at), 40)


def point(seed: int) -> dict[Any, Any]:
    rng = random.Random(seed)
    names = ["x", *NAMES, *(f"{name}_{i}" for name in NAMES for i in range(1, 7))]
    return {real(name): Rational(rng.randint(-2000, 2000), 1000) for name in names}


CHAINS = {
    "tied": composition_from_text("tanh(w*x + b)", depth=3),
    "residual": composition_from_text("x + sin(w*x + b)", depth=3),
    "two layers": composition_from_text("tanh(w*x + b) | v*x + w"),
    "a body": composition_from_text("sin(w*x + b) | v*x", depth=2),
    "blocks": Map("sigmoid(w*x)", "x") ** 2 @ Map("v*x + w*b", "x") ** 2,
    "linear": composition_from_text("w*x + b", depth=4),
}


@pytest.mark.parametrize("loss", [None, "w*(sin(x) - v)**2 + b"])
@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_the_written_out_sum_is_the_derivative_of_the_written_out_iterate(chain: Composition, loss: str | None) -> None:
    target = gradient(chain, loss, wrt="w,v" if loss else "b,x")
    last = written_iterate(chain)
    whole = last if loss is None else expression(loss).subs(x, last)
    for seed, name in enumerate(target.wrt):
        at = point(seed)
        truth = sympy.N(expand_activations(sympy.diff(whole, real(name))).subs(at), 40)
        assert abs(evaluated(target.written_out(name), chain, at) - truth) <= 10**-30 * (1 + abs(truth))


@pytest.mark.parametrize("loss", [None, "(x - 1)**2"])
def test_a_parameter_of_every_layer_has_one_derivative_each(loss: str | None) -> None:
    chain = stack(Map("tanh(w*x + b)", "x"), 3)
    target, last, at = gradient(chain, loss, wrt="w"), written_iterate(chain), point(7)
    whole = last if loss is None else expression(loss).subs(x, last)
    for i in range(1, 4):
        one = target.written_out("w").subs(sympy.Symbol("t", integer=True, positive=True), i)
        truth = sympy.N(sympy.diff(whole, real(f"w_{i}")).subs(at), 40)
        assert abs(evaluated(one, chain, at) - truth) < 10**-30


def test_an_expression_in_symbolic_depth_stays_unevaluated() -> None:
    target = gradient(Map("w*x + b", "x") ** n, wrt="b")
    assert str(target.written_out("b")) == "Sum(Product(w, (k, t + 1, n)), (t, 1, n))"
    assert target.latex("b") == r"\sum_{t=1}^{n} \left[\prod_{k=t+1}^{n} w\right]"
    assert gradient(Map("tanh(w*x+b)", "x") ** n, wrt="w").latex("w") == (
        r"\sum_{t=1}^{n} \left[\prod_{k=t+1}^{n} w\,(1 - x_{k}^{2})\right] (1 - x_{t}^{2})\,x_{t-1}"
    )


def test_the_start_enters_the_loss_through_the_last_state_only() -> None:
    target = gradient(Map("tanh(w*x)", "x") ** n, "x**2", wrt="x")
    assert target.written_out("x") == 2 * X[n] * chain_product(target.composition).expr
    assert target.latex("x") == r"2\,x_{n}\,\Bigl(\prod_{k=1}^{n} w\,(1 - x_{k}^{2})\Bigr)"


def test_recurrences_of_first_and_second_order() -> None:
    target = gradient(Map("w*x + b", "x") ** n, wrt="w,b", second_order=True)
    assert [str(r) for r in target.recurrences("w")] == ["s_w[k] = w*s_w[k - 1] + x[k - 1]"]
    assert [str(r) for r in target.second_recurrences("w", "b")] == ["s_wb[k] = w*s_wb[k - 1] + s_b[k - 1]"]
    pair = gradient(henon**n, wrt="a")
    assert str(pair.recurrences("a")[0]) == "s1_a[k] = -2*a*s1_a[k - 1]*x[k - 1] + s2_a[k - 1] - x[k - 1]**2"
    assert pair.text("a").count(";") == 1


def test_the_recurrences_folded_are_the_derivative() -> None:
    chain = composition_from_text("sin(w*x + b)", depth=4)
    target, at = gradient(chain, wrt="w,b", second_order=True), point(3)
    orbit = states(chain, at)
    s: dict[str, sympy.Expr] = {"s_w": 0, "s_b": 0, "s_wb": 0}
    first = [target.recurrences(name)[0] for name in ("w", "b")]
    mixed = target.second_recurrences("w", "b")[0]
    for step in range(1, 5):
        known = {X[k - 1]: orbit[step - 1]} | {r.left.base[k - 1]: s[str(r.left.base)] for r in (*first, mixed)}
        s = {str(r.left.base): sympy.N(r.right.xreplace(known).subs(at), 40) for r in (*first, mixed)}
    last = written_iterate(chain)
    for name, truth in (("s_w", last.diff(w)), ("s_b", last.diff(real("b"))), ("s_wb", last.diff(w, real("b")))):
        assert abs(s[name] - sympy.N(truth.subs(at), 40)) < 10**-30


def test_nothing_is_expanded_with_depth() -> None:
    def nodes(depth: object) -> int:
        chain = composition_from_text("x + tanh(w*x + b) | v*x", depth=depth)  # type: ignore[arg-type]
        target = gradient(chain, "(x - 1)**2", wrt="w,b")
        return sum(1 for name in target.wrt for _ in preorder_traversal(target.written_out(name)))

    assert nodes(10**9) == nodes(10)
    assert nodes(n) <= nodes(10) + 40


def test_a_guard_that_counts_nodes_sees_expansion() -> None:
    counts = [
        sum(1 for _ in preorder_traversal(written_iterate(composition_from_text("x+sin(w*x)", depth=d))))
        for d in (4, 8)
    ]
    assert counts[1] > 10 * counts[0]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"wrt": "q"}, "'q' is not a parameter of the chain or of the loss; the parameters are b, w, x"),
    ({"wrt": ""}, "'' is not a parameter"),
    ({"wrt": None}, "wrt must name parameters, got None"),
    ({"wrt": 5}, "wrt must name parameters, got 5"),
    ({"wrt": "w", "loss": [x]}, "an expression is needed"),
    ({"wrt": "w", "loss": len}, "an expression is needed"),
    ({"wrt": "w", "loss": sympy.nan}, "nan is no expression of finite real numbers"),
    ({"wrt": "w", "loss": "u[k]*x"}, "the loss contains 'u', which has a value per layer"),
    ({"wrt": "w", "loss": "x - n"}, "the loss contains 'n', which is the depth"),
    ({"wrt": "w", "loss": sympy.Symbol("x") * x}, "two different symbols are named 'x'"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_what_has_no_gradient_is_refused_in_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        gradient(Map("tanh(w*x + b)", "x") ** n, options.pop("loss", None), **options)
    assert "\n" not in str(refused.value)


def test_other_refusals() -> None:
    f = Map("tanh(w*x + b)", "x")
    with pytest.raises(InputError, match="second order needs parameters that all layers share"):
        gradient(stack(f, 3), wrt="w", second_order=True)
    with pytest.raises(InputError, match="the loss contains 'w', which has a value per layer"):
        gradient(stack(f, 3), "w*x", wrt="b")
    with pytest.raises(InputError, match="the written-out sum is for chains of one component"):
        gradient(henon**n, wrt="a").written_out("a")
    with pytest.raises(InputError, match="'q' is not a parameter"):
        gradient(f**n, wrt="w").written_out("q")
    with pytest.raises(InputError, match="'q' is not a parameter"):
        gradient(f**n, wrt="w").recurrences("q")
    with pytest.raises(InputError, match="the gradient has no loss"):
        _ = gradient(f**n, wrt="w").loss_derivative
    with pytest.raises(InputError, match="a map or composition is needed"):
        gradient(3, wrt="w")  # type: ignore[arg-type]


def test_the_counter_of_a_sum_has_a_name_of_its_own() -> None:
    target = gradient(Map("t*x + b", "x") ** n, wrt="t")
    assert str(target.written_out("t")) == "Sum(x[j - 1]*Product(t, (k, j + 1, n)), (j, 1, n))"
    assert target.latex("t").startswith(r"\sum_{j=1}^{n} \left[\prod_{k=j+1}^{n} t\right]")


def test_names_may_be_symbols_or_one_text() -> None:
    f = Map("tanh(w*x + b)", "x")
    assert gradient(f, wrt=w) == gradient(f, wrt="w") == gradient(f, wrt=["w"]) == gradient(f, wrt=[w, "w"])
    assert gradient(f, wrt="w, b").wrt == ("w", "b")
    assert gradient(f, sympy.Symbol("x") ** 2, wrt="w").loss == x**2


def test_gradients_pickle() -> None:
    target = gradient(stack(Map("silu(w*x + b)", "x"), n, untied=["w"]), "(sigmoid(x) - c)**2", wrt="w,b,c")
    _ = target.written_out("w")
    back: Gradient = pickle.loads(pickle.dumps(target))
    assert back == target
    assert back.text("b") == target.text("b")
