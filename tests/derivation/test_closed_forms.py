"""Closed forms agree with iteration in every branch; disguises are recognised, near misses and faults are not."""

import mpmath
import pytest
import sympy
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from sympy import Eq, Expr, Integer, Matrix, Ne, Product, Rational, S, Symbol, cos, expand

from symgrad.derivation import chain_product, closed_form
from symgrad.derivation.closed_forms.agreement import agreement
from symgrad.derivation.closed_forms.families import FAMILIES
from symgrad.derivation.closed_forms.families.registry import _FAMILIES, Family, family
from symgrad.derivation.closed_forms.induction import Branch, Law, branch, proof_of, settled
from symgrad.derivation.closed_forms.recognition import ClosedForm
from symgrad.errors import InputError, RegistryError
from symgrad.evidence import Verdict
from symgrad.maps import Map, composition_from_text, expand_activations, expression, stack, to_text
from symgrad.symbols import k, n, real

DEPTHS = (1, 2, 3, 4, 6, 8)
x, y, a, b, w = (real(name) for name in "xyabw")


def examples(count: int) -> settings:
    return settings(max_examples=count, deadline=None, derandomize=True, phases=[Phase.generate])


small = st.fractions(min_value=-3, max_value=3, max_denominator=7)
nonzero = small.filter(lambda q: q != 0)
inside = st.fractions(min_value=Rational(1, 50), max_value=Rational(49, 50), max_denominator=50)


def number(value: object) -> Expr:
    return Rational(str(value))


def direct(f: Map, values: dict[str, Expr], depth: int) -> tuple[list[Expr], Matrix]:
    """Iterate a map at numbers, in exact arithmetic as long as it stays short, then with 60 digits."""
    at = {real(name): value for name, value in values.items()}
    exprs, product = [expand_activations(e) for e in f.exprs], Matrix.eye(f.dimension)
    rows = Matrix(f.jacobian).applyfunc(expand_activations)
    for _ in range(depth):
        product = rows.xreplace(at).applyfunc(lambda e: short(e)) * product
        new = [short(e.xreplace(at)) for e in exprs]
        at |= dict(zip(f.state, new, strict=True))
    return [at[s] for s in f.state], product


def short(value: Expr) -> Expr:
    return value if value.is_Rational and bits(value) < 4_000 else value.evalf(60)


def bits(value: Expr) -> int:
    return max(int(value.p).bit_length(), int(value.q).bit_length())


def same(left: Expr, right: Expr) -> bool:
    if left.is_Rational and right.is_Rational and bits(right) < 4_000:
        return bool(left == right)
    first, second = left.evalf(50), right.evalf(50)
    return bool(abs(first - second) <= Rational(1, 10**25) * max(1, abs(first)))


def check_agreement(form: ClosedForm | None, f: Map, values: dict[str, Expr]) -> bool:
    """Compare a closed form with iteration, state and product, at one point; False where the orbit has no value."""
    assert form is not None
    assert form.proof == "induction"
    found, exact = None, False
    for depth in DEPTHS:
        try:
            state, product = direct(f, values, depth)
        except (ZeroDivisionError, TypeError):
            return False
        if not all(v.is_finite and v.is_real for v in state):
            return False
        found = found or form.at(values)
        assert found is not None, f"no branch of {f} holds at {values}"
        at = {n: Integer(depth)}
        for mine, right in zip(found.iterates, state, strict=True):
            assert same(right, mine.xreplace(at)), (f, values, depth, found.iterates)
        for mine, right in zip((e for row in found.jacobian for e in row), product, strict=True):
            assert same(right, mine.xreplace(at)), (f, values, depth, found.jacobian)
        now = all(v.is_Rational for v in state)
        if exact and not now:
            break
        exact = now
    return True


PARAMETERS = [
    ("w*x + b", "x"),
    ("v*(w*x + b) - x", "x"),
    ("(a*x + b)/(c*x + d)", "x"),
    ("a/(x + b)", "x"),
    ("c*x**3", "x"),
    ("a*x**2 + 2*x", "x"),
    ("a*(x - b)**2 + b", "x"),
    ("a*x**2 + 4*x", "x"),
    ("x - (x**2 - a)/(2*x)", "x"),
    ("x - ((x - b)**2 + a)/(2*(x - b))", "x"),
    ("w*x/sqrt(1 + x**2)", "x"),
    ("w*x/(1 + abs(x))", "x"),
    ("softsign(w*x)", "x"),
    ("Mod(3*x + b, 2)", "x"),
    ("d - 2*abs(x - c)", "x"),
    ("d + 2*abs(x - c)", "x"),
    ("y; a*y + b*x", "x,y"),
    ("x + a*y - b*x; a*y - b*x", "x,y"),
    ("a*x + b*y + c; b*x - a*y + d", "x,y"),
    ("a*x + y; b*y + z; c*z", "x,y,z"),
]


@pytest.mark.parametrize(("text", "state"), PARAMETERS)
def test_a_form_with_parameters_agrees_with_iteration(text: str, state: str) -> None:
    f = Map(text.split(";"), state.split(","))
    form = closed_form(f)
    names = [s.name for s in (*f.state, *f.parameters)]

    @examples(4 if f.dimension > 1 else 7)
    @given(st.lists(nonzero, min_size=len(names), max_size=len(names)))
    def agrees(values: list[object]) -> None:
        assume(check_agreement(form, f, {name: number(value) for name, value in zip(names, values, strict=True)}))

    agrees()
    assert form is not None
    assert all(step.verdict is Verdict.PROVED for step in form.steps)


SPECIAL = [
    ("w*x + b", "x", {"w": 1, "b": 3, "x": "1/2"}, "w = 1"),
    ("w*x + b", "x", {"w": 0, "b": 3, "x": "1/2"}, "w != 1"),
    ("(a*x + b)/(c*x + d)", "x", {"a": 3, "b": -1, "c": 1, "d": 1, "x": "1/5"}, "= 0"),
    ("(a*x + b)/(c*x + d)", "x", {"a": 0, "b": -1, "c": 1, "d": 1, "x": "1/3"}, "< 0"),
    ("(a*x + b)/(c*x + d)", "x", {"a": 2, "b": 4, "c": 1, "d": 2, "x": "1/3"}, "a*d - b*c = 0"),
    ("(a*x + b)/(c*x + d)", "x", {"a": 2, "b": 4, "c": 0, "d": 2, "x": "1/3"}, "c = 0 and a = d"),
    ("(a*x + b)/(c*x + d)", "x", {"a": 2, "b": 4, "c": 0, "d": 3, "x": "1/3"}, "c = 0 and a != d"),
    ("c*x**a", "x", {"a": 1, "c": 2, "x": "1/3"}, "a = 1"),
    ("c*x**a", "x", {"a": "-1/2", "c": 2, "x": "1/3"}, "a != 1"),
    ("4*x*(1 - x)", "x", {"x": 1}, "x = 1"),
    ("4*x*(1 - x)", "x", {"x": "-1/3"}, "x < 0"),
    ("4*x*(1 - x)", "x", {"x": "4/3"}, "x > 1"),
    ("4*x**3 - 3*x", "x", {"x": "-4/3"}, "x < -1"),
    ("3*x - 4*x**3", "x", {"x": "-4/3"}, "x < -1"),
    ("a*x**2 + 4*x", "x", {"a": 0, "x": "2/3"}, "a = 0"),
    ("a*x**2 + 2*x", "x", {"a": 0, "x": "2/3"}, "a = 0"),
    ("x - (x**2 - a)/(2*x)", "x", {"a": 0, "x": "2/3"}, "a = 0"),
    ("(a*x**2 - c)/(2*a*x + b)", "x", {"a": 0, "b": 2, "c": 3, "x": "2/3"}, "a = 0"),
    ("w*x/sqrt(1 + x**2)", "x", {"w": -1, "x": "2/3"}, "w**2 = 1"),
    ("w*x/(1 + abs(x))", "x", {"w": -1, "x": "2/3"}, "abs(w) = 1"),
    ("1 - abs(2*x - 1)", "x", {"x": "-2/3"}, "x <= 0"),
    ("1 - abs(2*x - 1)", "x", {"x": "5/3"}, "x >= 1"),
    ("d - 2*abs(x - c)", "x", {"c": 1, "d": 1, "x": "1/3"}, "-c + d <= 0"),
    ("y; a*y + b*x", "x,y", {"a": 2, "b": -1, "x": 1, "y": 3}, "= 0"),
    ("y; a*y + b*x", "x,y", {"a": 0, "b": 0, "x": 1, "y": 3}, "= 0"),
    ("a*x + b*y + 1; b*x - a*y + 2", "x,y", {"a": 1, "b": 0, "x": 1, "y": 3}, "= 0"),
    ("x + y + c; a*y", "x,y", {"a": 1, "c": 5, "x": 1, "y": 3}, "a"),
    ("a*x + y; b*y + z; c*z", "x,y,z", {"a": 2, "b": 2, "c": 2, "x": 1, "y": 3, "z": -1}, "= 0"),
    ("a*x + y; b*y + z; c*z", "x,y,z", {"a": 0, "b": 0, "c": 0, "x": 1, "y": 3, "z": -1}, "= 0"),
    ("a*x + y; b*y + z; c*z", "x,y,z", {"a": 2, "b": 3, "c": 2, "x": 1, "y": 3, "z": -1}, "= 0"),
]


@pytest.mark.parametrize(("text", "state", "values", "condition"), SPECIAL)
def test_each_special_branch_is_there_and_agrees(
    text: str, state: str, values: dict[str, object], condition: str
) -> None:
    f = Map(text.split(";"), state.split(","))
    point = {name: number(value) for name, value in values.items()}
    form = closed_form(f)
    assert check_agreement(form, f, point)
    assert form is not None
    found = form.branch_at(point)
    assert found is not None
    assert condition in found.condition


CANONICAL = {
    "x**2": "power",
    "4*x*(1 - x)": "Chebyshev",
    "2*x**2 - 1": "Chebyshev",
    "4*x**3 - 3*x": "Chebyshev",
    "3*x - 4*x**3": "Chebyshev",
    "8*x**4 - 8*x**2 + 1": "Chebyshev",
    "-x**3": "power",
}


@pytest.mark.parametrize(("text", "name"), CANONICAL.items())
@examples(3)
@given(alpha=nonzero, beta=small, start=small)
def test_a_polynomial_is_recognised_in_every_affine_disguise(
    text: str, name: str, alpha: object, beta: object, start: object
) -> None:
    slope, shift = number(alpha), number(beta)
    f = Map(expand((expression(text).xreplace({x: slope * x + shift}) - shift) / slope), "x")
    form = closed_form(f)
    assert form is not None
    assert form.family == name
    assume(check_agreement(form, f, {"x": number(start)}))


@examples(4)
@given(alpha=nonzero, beta=small, start=small, turn=st.sampled_from([1, -1]))
def test_a_tent_is_recognised_in_every_affine_disguise(alpha: object, beta: object, start: object, turn: int) -> None:
    slope, shift = number(alpha), number(beta)
    inner = 1 - sympy.Abs(2 * (slope * x + shift) - 1)
    f = Map((turn * inner - shift) / slope if turn == 1 else (inner - shift) / slope, "x")
    form = closed_form(f)
    assert form is not None
    assert form.family == "tent"
    u = slope * number(start) + shift
    assume((u * 2**9).is_integer is not True)
    assume(check_agreement(form, f, {"x": number(start)}))


@examples(8)
@given(root=nonzero, centre=small, start=small, real_roots=st.booleans())
def test_newton_s_map_of_any_quadratic(root: object, centre: object, start: object, real_roots: bool) -> None:
    gap = number(root) ** 2 * (1 if real_roots else -1)
    quadratic = 3 * ((x - number(centre)) ** 2 - gap)
    f = Map(sympy.cancel(x - quadratic / quadratic.diff(x)), "x")
    assume(number(start) != number(centre))
    form = closed_form(f)
    assert form is not None
    assert form.family == "Newton on a quadratic"
    assume(check_agreement(form, f, {"x": number(start)}))


NUMERIC = {
    "sqrt(2)*x + 1": "affine",
    "1/(1 + x)": "Möbius",
    "(x - 1)/(x + 1)": "Möbius",
    "x/(1 + x)": "Möbius",
    "1 - 1/x": "Möbius",
    "x/2 + 1/x": "Newton on a quadratic",
    "x/2 - 1/(2*x)": "Newton on a quadratic",
    "2*x*(1 - x)": "power",
    "-2*x*(1 - x)": "Chebyshev",
    "x**2 - 2": "Chebyshev",
    "x**2 + x/3 - 77/36": "Chebyshev",
    "cos(3*acos(x))": "Chebyshev",
    "1/2 - cos(2*acos(1 - 2*x))/2": "Chebyshev",
    "(x - 1)**5 + 1": "power",
    "3/x": "power",
    "-3/x": "power",
    "5/x**2": "power",
    "-2*x**2/3": "power",
    "-2*(x - 1)**3 + 1": "power",
    "sqrt(x)": "power",
    "3*x**(2/3)": "power",
    "sqrt(x - 1) + 1": "power",
    "x/sqrt(1 + x**2)": "radical",
    "2*x/(3 + x**4)**(1/4)": "radical",
    "x/(8 + x**3)**(1/3)": "radical",
    "softsign(x)": "softsign",
    "softsign(-3*x)/2": "softsign",
    "Mod(2*x, 1)": "affine modulo a period",
    "2*x - floor(2*x)": "affine modulo a period",
    "Mod(x + 1/3, 1)": "affine modulo a period",
    "Mod(1/3 - 5*x, 3)": "affine modulo a period",
    "2*Min(x, 1 - x)": "tent",
    "1 - 2*abs(x)": "tent",
    "2*relu(x) - x + relu(2*x) - x - 1": "tent",
}


@pytest.mark.parametrize(("text", "name"), NUMERIC.items())
@examples(3)
@given(start=st.fractions(min_value=-4, max_value=4, max_denominator=13).filter(lambda q: q.denominator % 2))
def test_a_numeric_map_is_recognised_and_agrees(text: str, name: str, start: object) -> None:
    f = Map(text, "x")
    form = closed_form(f)
    assert form is not None
    assert form.family == name
    point = {"x": number(start)}
    assume(number(start) != 0)
    assume(form.at(point) is not None)
    assume(check_agreement(form, f, point))


NEAR_MISSES = [
    "x**2 + 1/10",
    "3.9*x*(1 - x)",
    "cos(2*acos(x)) + 1/1000",
    "cos(2*acos(x/3))",
    "cos(3*acos(x)/2)",
    "x**2 - 2 + 1/1000",
    "2.001*x*(1 - x)",
    "r*x*(1 - x)",
    "a*x**2 + b*x + c",
    "4*x**3 - 3*x + 1/1000",
    "4*x**3 - 3.001*x",
    "x**3 + x",
    "(x - 1)**3 + 2",
    "x**(1/3) + 1",
    "-sqrt(x)",
    "x - (x**3 - 2)/(3*x**2)",
    "x/2 + 1/x + 1/1000",
    "(x**2 + 2)/(2.001*x)",
    "(x**2 + 1)/(x**2 + 2)",
    "x/sqrt(1 + x**2) + 1/1000",
    "x/sqrt(1 + x + x**2)",
    "x/sqrt(-1 - x**2)",
    "x/(1 + abs(x) + x**2)",
    "softsign(x) + 1",
    "x/(1 - abs(x))",
    "Mod(5*x/2, 1)",
    "Mod(2*x, 1) + x",
    "Mod(x**2, 1)",
    "2*x - floor(x)",
    "1 - 1.9*abs(x)",
    "1 - abs(2*x - 1) + x/100",
    "3*Min(x, 1 - x)",
    "Min(2*x, 3 - 3*x)",
    "tanh(w*x + b)",
    "w*sigmoid(x) + b",
    "sin(x)",
    "relu(x)",
    "x + 1/10*sin(x)",
    "exp(x)",
    "x**x",
    "2**x",
]


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_a_near_miss_has_no_closed_form(text: str) -> None:
    assert closed_form(Map(text, "x")) is None


@pytest.mark.parametrize("text", ["1 - 1.4*x**2 + y; 0.3*x", "y; tanh(x)", "x*y; y", "abs(x); y"])
def test_a_planar_map_that_is_not_linear_has_no_closed_form(text: str) -> None:
    assert closed_form(Map(text.split(";"), ("x", "y"))) is None


@examples(8)
@given(small)
def test_the_logistic_map_has_a_closed_form_for_three_growth_rates_only(rate: object) -> None:
    r = number(rate) + 1
    found = closed_form(Map(r * x * (1 - x), "x"))
    assert (found is not None) == (r in (-2, 0, 2, 4))


def test_an_untied_stack_is_a_sum_over_products() -> None:
    form = closed_form(stack(Map("w*x + b", "x"), n))
    assert form is not None
    assert to_text(form.derivative) == "Product(w[k], (k, 1, n))"
    weights, offsets = sympy.IndexedBase(w), sympy.IndexedBase(b)
    state: Expr = x
    for layer in range(1, 5):
        state = weights[layer] * state + offsets[layer]
    assert expand(form.iterate.xreplace({n: Integer(4)}).doit() - state) == 0


def test_an_input_per_step_is_a_convolution() -> None:
    form = closed_form(stack(Map("w*x + u", "x"), n, untied=["u"]))
    assert form is not None
    assert form.derivative == w**n
    assert to_text(form.iterate) == "w**n*x + Sum(w**(n - t)*u[t], (t, 1, n))"
    clash = closed_form(stack(Map("t*x + u", "x"), n, untied=["u"]))
    assert clash is not None
    assert to_text(clash.iterate).endswith("*u[j], (j, 1, n))")


def test_chains_of_layers_are_composed_first() -> None:
    tied = closed_form(composition_from_text("w*x + b | v*x", depth=n))
    assert tied is not None
    assert [br.condition for br in tied.branches] == ["v*w != 1", "v*w = 1"]
    literal = closed_form(composition_from_text("2*x + 1 | 3*x | x - 1"))
    assert literal is not None
    assert literal.iterate.expand() == 6 * x + 2
    after = closed_form(Map("v*x + c", "x") @ Map("w*x", "x") ** n)
    assert after is not None
    assert after.derivative == real("v") * w**n
    squares = closed_form((Map("2*x", "x") @ Map("x**2", "x")) ** n)
    assert squares is not None
    assert squares.family == "power"
    assert closed_form(composition_from_text("tanh(w*x) | v*x")) is None
    assert closed_form(Map("x**2", "x") @ Map("x + 1", "x") ** n) is None


def test_a_literal_depth_is_written_in() -> None:
    form = closed_form(Map("x**2", "x") ** 4)
    assert form is not None
    assert form.iterate == x**16
    assert closed_form(Map("3*x**2", "x") ** 50) is None


def test_a_start_on_a_fixed_point_gives_a_power_of_the_multiplier() -> None:
    logistic = Map("4*x*(1 - x)", "x")
    fixed = closed_form(logistic, start=Rational(3, 4))
    assert fixed is not None
    assert (fixed.family, fixed.derivative, fixed.iterate) == ("fixed start", (-2) ** n, Rational(3, 4))
    sigmoid = closed_form(Map("w*sigmoid(x) + b", "x"), start=0)
    assert sigmoid is not None
    assert (to_text(sigmoid.derivative), sigmoid.conditions) == ("(w/4)**n", "b = -w/2")
    assert closed_form(Map("16*x*(1 - x)/5", "x"), start=Rational(1, 2)) is None


@pytest.mark.parametrize(
    ("text", "start", "period"),
    [("x**2 - 1", 0, 2), ("x**2 - x - 1", 1, 2), ("1 - 3*x**2/2 + 5*x/2 - 1", 0, 1), ("-3*x**2/2 + 5*x/2 + 1", 0, 3)],
)
def test_a_start_on_a_cycle_repeats(text: str, start: int, period: int) -> None:
    f = Map(text, "x")
    form = closed_form(f, start=start)
    assert form is not None
    assert form.family == ("fixed start" if period == 1 else "start on a cycle")
    for depth in range(1, 9):
        (state,), product = direct(f, {"x": Integer(start)}, depth)
        assert form.iterate.xreplace({n: Integer(depth)}) == state
        assert form.derivative.xreplace({n: Integer(depth)}) == product[0, 0]


def test_a_start_that_is_no_exact_number_is_refused() -> None:
    with pytest.raises(InputError, match=r"a start of 1 exact numbers is needed, got '0\.5'"):
        closed_form(Map("4*x*(1 - x)", "x"), start=0.5)
    with pytest.raises(InputError, match="a start of 2 exact numbers"):
        closed_form(Map(("y", "x"), ("x", "y")), start=1)


@pytest.mark.parametrize("text", ["w*x + b", "4*x*(1 - x)", "1/(1 + x)", "x**2", "1 - abs(2*x - 1)", "Mod(2*x, 1)"])
def test_a_closed_form_is_text_that_reads_back(text: str) -> None:
    form = closed_form(Map(text, "x"))
    assert form is not None
    point = {"x": 0.3, "w": 0.7, "b": 0.2, "n": 3}
    for expr in (form.iterate, form.derivative):
        again = expression(to_text(expr))
        values = [e.subs({s: point[s.name] for s in e.free_symbols}).evalf() for e in (expr, again)]
        assert abs(values[0] - values[1]) < 1e-12
    assert form.latex().startswith("x_{n} = ")


def test_the_chain_product_takes_the_closed_form_of_its_family() -> None:
    assert chain_product(Map("w*x + b", "x") ** n).closed_form() == w**n
    assert chain_product(Map("4*x*(1 - x)", "x") ** n).closed_form().has(sympy.sin)
    assert chain_product(stack(Map("w*x", "x"), n)).closed_form() is None
    assert chain_product(Map("tanh(w*x)", "x") ** n).closed_form() is None
    assert chain_product(Map("x + floor(x)", "x") ** n).closed_form() == 1


DOUBLE = Law(x, 2 * x, 2**n * x, Integer(2) ** n)


@pytest.mark.parametrize(
    "law",
    [
        Law(x, 2 * x, 2**n * x + 1, Integer(2) ** n),
        Law(x, 2 * x, 2 ** (n + 1) * x, Integer(2) ** n),
        Law(x, 2 * x, 2**n * x, Integer(2) ** (n + 1)),
        Law(x, 2 * x + b, 2**n * x + n * b, Integer(2) ** n),
        Law(x, 1 - x**2, cos(2**n * x), S.One),
    ],
)
def test_a_false_law_is_not_proved(law: Law) -> None:
    assert proof_of(DOUBLE) is not None
    assert proof_of(law) is None


def test_a_map_that_is_not_the_law_s_is_not_its_instance() -> None:
    assert branch(Map("2*x", "x"), DOUBLE, {}) is not None
    assert branch(Map("2*x + 1/1000", "x"), DOUBLE, {}) is None
    assert branch(Map("w*x", "x"), DOUBLE, {}, conditions=(Eq(w, 2),), vanishing=((w - 2, x),)) is not None
    assert branch(Map("w*x", "x"), DOUBLE, {}, conditions=(Eq(w, 2),)) is None


def test_a_family_that_errs_is_overruled_by_iteration() -> None:
    wrong = Branch((Ne(a, 7),), (a**n * sympy.tan(x),), ((a**n,),), ())
    assert agreement(Map("a*tan(x)", "x"), wrong) is None
    _FAMILIES["planted"] = Family("planted", "planted", (1,), lambda f: (wrong,))
    try:
        assert closed_form(Map("a*tan(x)", "x")) is None
    finally:
        del _FAMILIES["planted"]


def test_a_family_is_registered_once_and_documented() -> None:
    with pytest.raises(RegistryError, match="a family named 'affine' exists already"):
        family("affine")(lambda f: ())
    assert all(row.sentence and row.name == name for name, row in FAMILIES.items())


def test_conditions_that_exclude_each_other_are_noticed() -> None:
    assert settled([Eq(a, 0), Ne(2 * a, 0)]) is None
    assert settled([sympy.Gt(a**2 + 1, 0), Ne(a, 0)]) == (Ne(a, 0),)
    assert settled([sympy.Lt(a**2 + b**2, 0)]) is None
    assert settled([Eq(Integer(1), 2)]) is None


def test_no_product_over_the_layers_is_left_in_a_tied_form() -> None:
    for text in NUMERIC:
        form = closed_form(Map(text, "x"))
        assert form is not None
        assert not form.iterate.has(Product)
        assert k not in form.iterate.free_symbols
        assert form.iterate.free_symbols <= {x, Symbol("n", integer=True, positive=True)}


@pytest.mark.parametrize(
    "text", ["3*a*(a + b)/(w*(x + 1/2))", "1/(3*w*(x + a))", "Min(2*a, sqrt(b))", "sqrt(Min(-1, w))/x"]
)
def test_a_form_whose_branches_partly_contradict_themselves(text: str) -> None:
    form = closed_form(Map(text, "x"))
    assert form is None or form.branches


def test_the_evaluation_leaves_the_precision_of_mpmath_alone() -> None:
    before = mpmath.mp.dps
    closed_form(Map("5*x*x", "x"))
    assert mpmath.mp.dps == before
