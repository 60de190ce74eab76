"""Chain products: the factors in their order, each at the state that enters its layer, and a textbook's LaTeX."""

import pickle
import time

import pytest
import sympy
from sympy import IndexedBase, Product, preorder_traversal

from symgrad.derivation import chain_product
from symgrad.errors import InputError
from symgrad.maps import Composition, Map, composition_from_text, expression, stack
from symgrad.symbols import k, n, real, w, x

X = IndexedBase(x)
henon = Map(("1 - a*x**2 + y", "b*x"), ("x", "y"))


def chain(text: str, depth: object = 1, untied: tuple[str, ...] = ()) -> Composition:
    return composition_from_text(text, depth=depth, untied=untied)  # type: ignore[arg-type]


def test_factors_stand_at_the_states_that_enter_their_layers() -> None:
    product = chain_product(chain("tanh(w*x + b) | v*x + c | sin(x)"))
    assert list(product.texts()) == ["w*(1 - tanh(b + w*x[0])**2)", "v", "cos(x[2])"]
    assert [f.entering for f in product.factors] == [0, 1, 2]
    assert product.expr == real("v") * sympy.cos(X[2]) * w * (1 - sympy.tanh(real("b") + w * X[0]) ** 2)


def test_a_symbolic_depth_is_a_product_over_indexed_states() -> None:
    product = chain_product(chain("tanh(w*x + b)", n))
    assert product.expr == Product(w * (1 - sympy.tanh(real("b") + w * X[k - 1]) ** 2), (k, 1, n))
    body = chain_product(chain("tanh(w*x) | v*x", n))
    assert [f.entering for f in body.factors] == [2 * k - 2, 2 * k - 1]
    blocks = chain_product((Map("v*x", "x") ** 3) @ (Map("sin(x)", "x") ** n))
    assert [f.entering for f in blocks.factors] == [k - 1, k + n - 1]
    assert blocks.expr == Product(sympy.cos(X[k - 1]), (k, 1, n)) * Product(real("v"), (k, 1, 3))


def test_own_parameters_of_every_layer() -> None:
    assert str(chain_product(stack(Map("w*x", "x"), n)).expr) == "Product(w[k], (k, 1, n))"
    assert list(chain_product(stack(Map("tanh(w*x)", "x"), 1)).texts()) == ["(1 - tanh(w[1]*x[0])**2)*w[1]"]


LATEX = [
    (chain("tanh(w*x + b)", n), r"\prod_{k=1}^{n} w\,(1 - x_{k}^{2})"),
    (chain("tanh(w*x + b)", 7), r"\prod_{k=1}^{7} w\,(1 - x_{k}^{2})"),
    (chain("w*x", n), r"\prod_{k=1}^{n} w"),
    (chain("w*x", n, ("w",)), r"\prod_{k=1}^{n} w_{k}"),
    (chain("sigmoid(x) | v*x"), r"v\,(1 - x_{1})\,x_{1}"),
    (chain("exp(x)"), r"x_{1}"),
    (chain("softplus(w*x)", n), r"\prod_{k=1}^{n} w\,(1 - e^{- x_{k}})"),
    (chain("tanh(w*x + b) | v*x + c"), r"v\,w\,(1 - x_{1}^{2})"),
]


@pytest.mark.parametrize(("composition", "latex"), LATEX, ids=[c.canonical for c, _ in LATEX])
def test_latex_reads_like_a_textbook(composition: Composition, latex: str) -> None:
    assert chain_product(composition).latex() == latex


def test_several_components_have_matrices() -> None:
    product = chain_product(henon**n)
    assert list(product.texts()) == ["[[-2*a*x[k - 1], 1], [b, 0]]"]
    assert product.latex() == r"\prod_{k=1}^{n} \begin{pmatrix} - 2\,a\,x_{k-1} & 1 \\ b & 0 \end{pmatrix}"
    assert product.closed_form() is None
    with pytest.raises(InputError, match="a layer of 2 components has a matrix of derivatives"):
        _ = product.factors[0].expr


def test_a_closed_form_is_given_where_every_factor_is_the_same() -> None:
    assert chain_product(chain("w*x + b", n)).closed_form() == w**n
    assert chain_product(chain("w*x | v*x", n)).closed_form() == (w * real("v")) ** n
    assert chain_product(chain("w*x", 5)).closed_form() == w**5
    assert chain_product(chain("tanh(w*x)", n)).closed_form() is None
    assert chain_product(stack(Map("w*x", "x"), n)).closed_form() is None


def test_nothing_is_expanded_with_depth() -> None:
    def nodes(depth: object) -> int:
        product = chain_product(chain("x + tanh(w*x + b) | v*x + sin(x)", depth))
        return sum(1 for _ in preorder_traversal(product.expr)) + len(product.latex())

    start = time.perf_counter()
    assert nodes(10**9) <= nodes(10) + 40
    assert nodes(n) <= nodes(10)
    assert time.perf_counter() - start < 5


def test_chain_products_pickle() -> None:
    product = chain_product(chain("tanh(w*x + b)", n))
    _ = product.factors
    assert pickle.loads(pickle.dumps(product)) == product


def test_what_is_no_chain_is_refused() -> None:
    with pytest.raises(InputError, match="a map or composition is needed, got '3'"):
        chain_product(3)  # type: ignore[arg-type]
    assert expression("x") == x
