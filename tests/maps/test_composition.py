"""Compositions: what is applied when, which depths there are, and one text for each."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import sympy
from sympy import Integer, Symbol

from symgrad.errors import InputError
from symgrad.maps import (
    Composition,
    Map,
    as_composition,
    composition_from_canonical,
    composition_from_text,
    stack,
)
from symgrad.symbols import k, n, real

f, g, h = Map("tanh(w*x + b)", "x"), Map("v*x", "x"), Map("sin(x) + x*c", "x")
henon = Map(("1 - a*x**2 + y", "c*x"), ("x", "y"))
m = Symbol("m", integer=True, positive=True)

CHAINS = {
    "one map": as_composition(f),
    "literal": f**7,
    "symbolic": f**n,
    "a product of depths": (f**n) ** 2,
    "two symbols": (f**n) ** m,
    "a sum of depths": f ** (n + 1),
    "a power of depths": f ** (2**n),
    "a body": (f @ g) ** n,
    "blocks": (h**3) @ (f**n) @ g,
    "untied": stack(f, n, untied=["w"]),
    "untied blocks": stack(f, 3) @ stack(h, 4),
    "driven": Map("tanh(w*x + u[k])", "x") ** n,
    "two components": henon**n,
    "complex": Map("x**2 + c", "x", domain="complex") ** n,
    "nested": ((f**3) @ g) ** n,
}


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_the_canonical_text_parses_back_to_an_equal_chain(chain: Composition) -> None:
    back = composition_from_canonical(chain.canonical)
    assert back == chain
    assert back.fingerprint == chain.fingerprint
    assert pickle.loads(pickle.dumps(chain)) == chain


def test_fingerprints_are_the_same_in_every_process() -> None:
    code = (
        "from symgrad.maps import Map, stack\n"
        "from symgrad.symbols import n\n"
        "f = Map('tanh(w*x + b) + a*x - c*sin(x)*d', 'x')\n"
        "print(f.fingerprint, (f**n).fingerprint, stack(f, 3, untied=['w', 'a']).fingerprint)"
    )
    found = set()
    for seed in ("0", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
        found.add(run.stdout)
    here = Map("tanh(w*x + b) + a*x - c*sin(x)*d", "x")
    expected = (here.fingerprint, (here**n).fingerprint, stack(here, 3, untied=["w", "a"]).fingerprint)
    assert found == {" ".join(expected) + "\n"}


def test_composition_is_associative_and_applies_the_right_operand_first() -> None:
    assert (f @ g) @ h == f @ (g @ h)
    assert (f**2 @ g**3) @ h**4 == f**2 @ (g**3 @ h**4)
    assert [layer for layer, _ in (f @ g).schedule()] == [g, f]
    assert stack([f, g]) == g @ f
    assert composition_from_text("tanh(w*x + b) | v*x") == g @ f


def test_the_schedule_counts_applications() -> None:
    chain = stack(f, 2) @ g
    assert [(layer.canonical, at) for layer, at in chain.schedule()] == [
        ("x -> v*x", 1),
        ("x -> tanh(x*w[k] + b[k])", 1),
        ("x -> tanh(x*w[k] + b[k])", 2),
    ]
    assert len(list((f**n).at_depth(5).schedule())) == 5
    assert list((((f**3) @ g) ** 2).schedule()) == [(g, 1), (f, 1), (f, 1), (f, 1), (g, 2), (f, 2), (f, 2), (f, 2)]


def test_depths_multiply() -> None:
    assert (f**2) ** 3 == f**6
    assert f**1 == as_composition(f)
    assert ((f**n) ** 2).at_depth(3) == f**6
    assert (f**n).at_depth(m) == f**m
    assert f ** np.int64(3) == f**3
    assert f ** Symbol("n", integer=True, positive=True, even=True) == f**n
    assert (f**n).depth_symbols == (n,)


def test_a_chain_in_another_state_takes_the_first_one() -> None:
    other = Map("v*z", "z")
    assert (f @ other).state == (real("z"),)
    assert [layer.canonical for layer, _ in (f @ other).schedule()] == ["z -> v*z", "z -> tanh(b + w*z)"]


@pytest.mark.parametrize("depth", [0, -1, 1.5, 2.0, True, "a", "3", None, [1], Symbol("q"), object(), float("nan")])
def test_a_depth_is_a_positive_integer(depth: object) -> None:
    with pytest.raises(InputError, match="depth must be a positive integer or a positive integer symbol"):
        f**depth
    if depth is not None:
        with pytest.raises(InputError, match="depth must be a positive integer or a positive integer symbol"):
            (f**n).at_depth(depth)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: (f**n).at_depth(None), "the depth n has no value"),
        (lambda: (f**3).at_depth(4), "the composition has depth 3, not 4"),
        (lambda: ((f**n) ** m).at_depth(3), r"several depths are symbols \(m, n\)"),
        (lambda: f ** Symbol("w", integer=True, positive=True), "the depth 'w' has the name of a state or parameter"),
        (lambda: f ** Symbol("x", integer=True, positive=True), "the depth 'x' has the name of a state or parameter"),
        (lambda: Map("n*x", "x") @ f**n, "the depth 'n' has the name of a state or parameter"),
        (lambda: Map("n*x", "x") ** m @ f**3, None),
        (lambda: (Map("n*x", "x") ** m).at_depth(n), "the depth 'n' has the name of a state or parameter"),
        (lambda: f**k, "the depth 'k' has the name of the index"),
        (lambda: Map("k*x", "x") @ f, None),
        (lambda: Map("k*x", "x") ** n, "'k' counts the layers of a repeated chain"),
        (lambda: Map("w*k", "k") ** 3, "'k' counts the layers of a repeated chain"),
        (lambda: Map("k*x", "x") @ f**n, "'k' counts the layers of a repeated chain"),
        (lambda: f ** Symbol("n m", integer=True, positive=True), "'n m' cannot name a symbol"),
        (lambda: stack(f, 3) ** 2, "a repeated chain inside a repeated chain"),
        (lambda: ((f**n) @ g) ** 3, "a repeated chain inside a repeated chain"),
        (lambda: ((f**2000) @ g) ** n, "at most 1000 layers"),
        (lambda: f @ stack(f, 2), "'b' is shared in one layer and has a value per layer|'w' is shared in one"),
        (lambda: Map("y*x", "x") @ Map("y", "y"), "'y' is a state in one map and a parameter in the other"),
        (lambda: henon @ f, "2 components cannot follow a real one of 1"),
        (lambda: f @ Map("x", "x", domain="complex"), "a real map of 1 components cannot follow a complex one"),
        (lambda: stack([]), "no layers were given to stack"),
        (lambda: stack(f), "stack of a single layer needs a depth"),
        (lambda: stack(f, n, untied=["q"]), "untied parameter 'q' is not a parameter of the chain; it has b, w"),
        (lambda: f @ 3, "a map or composition is needed, got '3'"),
        (lambda: stack([f, "x"]), "a map or composition is needed, got 'x'"),
        (lambda: stack(3, 2), "a map or composition is needed, got '3'"),
        (lambda: composition_from_canonical("garbage"), "'garbage' has no arrow"),
        (lambda: composition_from_canonical("x -> foo"), "'x -> foo' is no chain"),
        (lambda: composition_from_canonical("x -> {x}^2 junk"), "is no chain"),
        (lambda: composition_from_canonical("x -> {x}^0"), "depth must be a positive integer"),
    ],
)
def test_chains_that_mean_nothing_are_refused_in_one_line(build: object, message: str | None) -> None:
    assert callable(build)
    if message is None:
        assert build()
        return
    with pytest.raises(InputError, match=message) as refused:
        build()
    assert "\n" not in str(refused.value)


def test_no_depth_is_ever_written_out() -> None:
    deep = stack(f, 10**9, untied=["w"])
    assert deep.depth == Integer(10**9)
    assert deep.canonical == "x -> {tanh(b + x*w[k])}^1000000000"
    assert sum(1 for e in deep.maps[0].exprs for _ in sympy.preorder_traversal(e)) < 20
