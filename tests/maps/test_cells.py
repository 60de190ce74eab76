"""Cells: named factors multiply to the derivative of the written-out step, for every entry of the registry."""

import random
from collections.abc import Iterator
from typing import Any

import mpmath
import pytest
import sympy
from sympy import ImmutableMatrix, MatMul, MatrixSymbol, Rational, diag, expand, eye, zeros

from symgrad.derivation import chain_product, gradient
from symgrad.errors import InputError, RegistryError
from symgrad.kernels import to_kernel
from symgrad.maps import differentiate, map_from_canonical, stack
from symgrad.maps.cells import CELLS, Cell, FactorKind, Units, cell, register, unregister_cell
from symgrad.maps.cells.notation import meanings_latex
from symgrad.maps.cells.scalars import explicit_block, scalar_values
from symgrad.symbols import n, real

WIDTH = 2
DIGITS = 30
NORMALISING = ("layer_norm", "batch_norm", "normalised_dense")


def made(name: str) -> Cell:
    """Return a cell with the fewest symbols: no inputs, and numbers for numbers."""
    numbers = {"branch": "3/7", "epsilon": "1/100", "gain": "5/4", "shift": "-1/3"}
    return cell(name, **{key: text for key, text in numbers.items() if key in CELLS[name].options})


def by_factors(layer: Cell, width: int = WIDTH) -> ImmutableMatrix:
    """Return the Jacobian of a step as the product of its explicit factors."""
    values = scalar_values(layer, width)[1]
    rows = [[explicit_block(b, values, width) for b in row] for row in layer.jacobian().blocks]
    return ImmutableMatrix(sympy.BlockMatrix(rows).as_explicit())


@pytest.mark.parametrize("name", CELLS)
def test_the_named_factors_multiply_to_the_derivative_of_the_scalar_step(name: str) -> None:
    layer = made(name)
    factors, written_out = by_factors(layer), ImmutableMatrix(layer.map(WIDTH).jacobian)
    if name in NORMALISING:
        assert numerically_equal(factors, written_out)
    else:
        assert (factors - written_out).applyfunc(expand).is_zero_matrix


def numerically_equal(first: ImmutableMatrix, second: ImmutableMatrix) -> bool:
    """Return whether two matrices agree to 25 digits at three random points."""
    symbols = sorted(first.free_symbols | second.free_symbols, key=str)
    rng = random.Random(5)
    for _ in range(3):
        point = {s: Rational(rng.randint(-900, 900), 617) for s in symbols}
        if max(abs(e) for e in digits(first - second, point)) > 1e-25:
            return False
    return True


def digits(matrix: ImmutableMatrix, point: dict[Any, Any]) -> list[Any]:
    """Return the entries of a matrix at a point, to 30 digits."""
    context = mpmath.MPContext()
    context.dps = DIGITS
    names = list(point)
    modules = {f: getattr(context, f) for f in ("tanh", "exp", "sqrt", "mpf")}
    modules["sigmoid"] = lambda v: 1 / (1 + context.exp(-v))
    values = [context.mpf(p.p) / context.mpf(p.q) for p in point.values()]
    return [
        context.mpf(1) * v for v in sympy.lambdify(names, list(matrix), modules=[modules, "mpmath"], cse=True)(*values)
    ]


@pytest.mark.parametrize("name", CELLS)
def test_two_layers_multiply_to_the_derivative_of_the_nested_expression(name: str) -> None:
    layer = made(name)
    step = layer.map(WIDTH)
    rng = random.Random(7)

    def number() -> Rational:
        return Rational(rng.randint(-900, 900), 617)

    names = [*step.parameters, *(step.symbol(name) for name in step.layered)]
    start = {s: number() for s in step.state}
    weights = [{s: number() for s in names} for _ in range(2)]
    first = [e.xreplace(weights[0]) for e in step.exprs]
    nested = [e.xreplace(weights[1]).xreplace(dict(zip(step.state, first, strict=True))) for e in step.exprs]
    truth = digits(ImmutableMatrix([[differentiate(e, s) for s in step.state] for e in nested]), start)
    context = mpmath.MPContext()
    context.dps = DIGITS
    between = digits(ImmutableMatrix(step.exprs), start | weights[0])
    size, factors = step.dimension, by_factors(layer)
    earlier = context.matrix(digits(factors, start | weights[0])).T
    lower = context.matrix(size, size)
    upper = context.matrix(size, size)
    entering = {s: Rational(str(v)) for s, v in zip(step.state, between, strict=True)}
    for place, (a, b) in enumerate(zip(digits(factors, entering | weights[1]), list(earlier), strict=True)):
        upper[place // size, place % size], lower[place // size, place % size] = a, b
    product = list(upper * lower)
    assert max(abs(p - t) for p, t in zip(product, truth, strict=True)) < 1e-20


@pytest.mark.parametrize("name", ["dense", "preactivation", "residual", "leaky", "lstm", "gru"])
def test_the_matrix_equations_written_out_are_the_scalar_ones(name: str) -> None:
    layer = cell(name, width=WIDTH, **({"inputs": 2} if CELLS[name].driven else {}))
    given, values = scalar_values(layer, WIDTH)
    known = dict(given)
    for equation in layer.equations():
        right = equation.rhs.as_explicit()
        entries = {m[i, j]: known[m][i, j] for m in known for i in range(m.rows) for j in range(m.cols)}
        known[equation.lhs] = ImmutableMatrix(right.xreplace(entries).doit())
        assert (known[equation.lhs] - values[equation.lhs]).applyfunc(expand) == zeros(WIDTH, 1)


@pytest.mark.parametrize("name", CELLS)
def test_the_scalar_form_is_an_ordinary_map(name: str) -> None:
    step = made(name).map()
    assert map_from_canonical(step.canonical) == step
    deep = stack(step, n) if step.parameters else step**n
    assert list(chain_product(deep).texts())
    kernel = to_kernel(chain_product(deep))
    values: dict[str, Any] = {s: [0.3, -0.2, 0.4] for s in deep.layered} | {p.name: 0.3 for p in deep.parameters}
    outcome = kernel([0.1] * step.dimension if step.dimension > 1 else 0.1, values, depth=3)
    assert outcome is not None
    if step.dimension == 1 and step.parameters:
        parameter = step.parameters[0]
        assert gradient(step**n, step.state[0] ** 2, wrt=(parameter,)).wrt


def test_the_lstm_of_one_unit_is_the_textbooks() -> None:
    assert cell("lstm", inputs=0).map().canonical == (
        "h, c -> tanh(c*sigmoid(b_f + h*v_f) + tanh(b_g + h*v_g)*sigmoid(b_i + h*v_i))*sigmoid(b_o + h*v_o); "
        "c*sigmoid(b_f + h*v_f) + tanh(b_g + h*v_g)*sigmoid(b_i + h*v_i)"
    )


def test_orders_of_the_factors_are_those_of_the_two_layers() -> None:
    assert str(cell("dense").depth_jacobian(3).expr) == "D_3*W_3*D_2*W_2*D_1*W_1"
    assert str(cell("preactivation").depth_jacobian(2, tied=True).expr) == "W*D_2*W*D_1"
    assert str(cell("residual", branch="1/L").depth_jacobian(1).expr) == "I + 1/L*D_1*W_1"
    assert cell("residual").depth_jacobian(n).latex() == (
        r"\overset{\curvearrowleft}{\prod_{k=1}^{n}} \left(I + D_{k}\,W_{k}\right)"
    )


def test_each_way_from_cell_state_to_cell_state_has_a_name() -> None:
    block = cell("lstm").carried("c")
    assert [p.words for p in block.paths] == [
        "carried by the forget gate",
        "through the forget gate, by way of h",
        "through the input gate, by way of h",
        "through the candidate, by way of h",
    ]
    assert block.latex(tied=True) == (
        r"\operatorname{diag}(f_{k}) + \operatorname{diag}(c_{k-1})\,D_{f,k}\,V_{f}\,\operatorname{diag}(o_{k-1})\,"
        r"D_{c,k-1} + \operatorname{diag}(g_{k})\,D_{i,k}\,V_{i}\,\operatorname{diag}(o_{k-1})\,D_{c,k-1} + "
        r"\operatorname{diag}(i_{k})\,D_{g,k}\,V_{g}\,\operatorname{diag}(o_{k-1})\,D_{c,k-1}"
    )


def test_the_cell_path_is_the_total_derivative_with_the_earlier_gates_held() -> None:
    """c_k as a function of c_{k-1} alone, where h_{k-1} = o_{k-1} tanh(c_{k-1}) and o_{k-1} is a number."""
    layer = cell("lstm", inputs=0)
    values = scalar_values(layer, WIDTH)[1]
    h, c = (values[layer.vector(name)] for name in "hc")
    held = ImmutableMatrix([real("o1"), real("o2")])
    readout = dict(zip(h, held.multiply_elementwise(c.applyfunc(sympy.tanh)), strict=True))
    new_c = values[layer.new[1]].xreplace(readout)
    truth = ImmutableMatrix(2, 2, lambda i, j: differentiate(new_c[i], c[j]))
    total = zeros(2, 2)
    for path in layer.carried("c").paths:
        now = explicit_block_of([f for f in path.factors if f.lag == 0], values).xreplace(readout)
        before = eye(2)
        for factor in (f for f in path.factors if f.lag == 1):
            slopes = diag(*(1 - sympy.tanh(e) ** 2 for e in c))
            before = before * (slopes if factor.kind is FactorKind.SLOPE else diag(*held))
        total += now * before
    assert (total - truth).applyfunc(expand) == zeros(2, 2)


def explicit_block_of(factors: list[Any], values: Any) -> ImmutableMatrix:
    from symgrad.maps.cells.scalars import explicit_factor

    total = eye(WIDTH)
    for factor in factors:
        total = total * explicit_factor(factor, values, WIDTH)
    return ImmutableMatrix(total)


def test_a_normalisations_derivative_ignores_the_mean_and_the_scale() -> None:
    """(1/σ)(I - 11ᵀ/n - x̂x̂ᵀ/n) annihilates 1, and x̂ where ε is 0."""
    layer = cell("batch_norm", epsilon=0, gain=1, shift=0)
    values = scalar_values(layer, 3)[1]
    matrix = explicit_block(layer.jacobian().blocks[0][0], values, 3)
    point = dict(zip(values[layer.state[0]], (1, 4, -2), strict=True))
    hat = values[layer.steps[0].symbol].xreplace(point)
    at = matrix.xreplace(point)
    assert (at * ImmutableMatrix([1, 1, 1])).applyfunc(sympy.simplify) == zeros(3, 1)
    assert (at * hat).applyfunc(sympy.simplify) == zeros(3, 1)


def test_latex_says_what_the_names_mean() -> None:
    layer = cell("dense", activation="sigmoid")
    assert layer.latex(tied=True) == (
        r"\begin{aligned} z_{k} &= W\,x_{k-1} + b \\ x_{k} &= \sigma(z_{k}) \end{aligned}"
    )
    assert meanings_latex(layer.jacobian(), tied=False) == r"D_{k} = \operatorname{diag}(\sigma'(z_{k}))"
    assert cell("gru").jacobian().latex(tied=True).count(r"\operatorname{diag}") == 7
    assert meanings_latex(cell("layer_norm").jacobian(), tied=True).startswith(r"N_{k} = \frac{1}{\sigma_k}")


def test_shapes_hold_for_any_width_and_for_literal_ones() -> None:
    wide = cell("rnn", width=256, inputs=10)
    assert wide.shapes == {"W": (256, 10), "V": (256, 256), "b": (256, 1)}
    assert wide.jacobian().expr == MatMul(MatrixSymbol("D", 256, 256), MatrixSymbol("V", 256, 256))
    assert [str(s) for s in cell("lstm").weights] == ["W_i", "V_i", "W_f", "V_f", "W_o", "V_o", "W_g", "V_g"]
    assert [str(s) for s in cell("normalised_dense").gains] == ["g"]


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("dense", {"width": 0}, "width must be a positive integer or a symbol, got 0"),
    ("dense", {"width": 2.0}, "width must be a positive integer"),
    ("dense", {"inputs": 2}, "takes no inputs"),
    ("rnn", {"inputs": -1}, "inputs must be an integer of 0 or more"),
    ("transformer", {}, "no cell is named 'transformer'; known: batch_norm, dense"),
    ("dense", {"activation": "tahn"}, "no activation is named 'tahn'; known: atan"),
    ("lstm", {"activation": "tanh"}, "the lstm cell has no option 'activation'; it takes none"),
]


@pytest.mark.parametrize(("name", "options", "message"), REFUSED)
def test_what_makes_no_cell_is_refused_in_one_line(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as refusal:
        cell(name, **options)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def refusals() -> Iterator[tuple[Any, str]]:
    yield lambda: cell("dense", width=3).map(2), "the cell has width 3, not 2"
    yield lambda: cell("dense").map(0), "width must be an integer from 1 to 9"
    yield lambda: cell("residual", branch="w").map(), "'w' has the name of a state or weight"
    yield lambda: cell("dense").vector("c"), "has no state 'c'; it has x"
    yield lambda: cell("dense").depth_jacobian(n).expr, "the product needs a number of layers, got n"
    yield lambda: cell("dense").depth_jacobian(0), "depth must be a positive integer"
    yield lambda: unregister_cell("nowhere"), "no cell is named 'nowhere'"


@pytest.mark.parametrize(("ask", "message"), list(refusals()))
def test_what_a_cell_cannot_answer_is_refused(ask: Any, message: str) -> None:
    with pytest.raises(InputError, match=r"^[^\n]*$") as refusal:
        ask()
    assert message in str(refusal.value)


def test_a_cell_of_ones_own_is_one_decorated_definition() -> None:
    @register()
    def doubling(units: Units) -> Cell:
        """x ↦ W x + b."""
        from symgrad.maps.cells import Equation

        step = Equation(units.vector("x_new"), units.affine(("W", units.vector("x")), bias="b"), "new state")
        return Cell("doubling", units.width, (units.vector("x"),), (step.symbol,), (step,))

    try:
        assert cell("doubling").map().canonical == "x -> b + w*x"
        assert str(cell("doubling").jacobian().expr) == "W"
        with pytest.raises(RegistryError, match="exists already"):
            register()(doubling)
    finally:
        unregister_cell("doubling")


def test_a_cell_without_a_sentence_is_refused() -> None:
    def silent(units: Units) -> Cell:
        return cell("dense")

    with pytest.raises(RegistryError, match="no docstring"):
        register()(silent)


def test_a_wrong_factor_would_be_noticed() -> None:
    layer = made("dense")
    turned = ImmutableMatrix(layer.map(WIDTH).jacobian).T
    assert not numerically_equal(by_factors(layer), turned)
    assert numerically_equal(by_factors(layer), turned.T)
