"""The public entries take φ in every form a user writes it, and fill in what follows from the variances."""

import pytest
import sympy

import symgrad as sg
from symgrad.errors import InputError
from symgrad.phenomena.meanfield.finite_width import finite_width
from symgrad.phenomena.meanfield.nonlinearities import nonlinearity

VARIANCES = {"sigma_w2": 2.5, "sigma_b2": 0.05}


@pytest.mark.parametrize(
    "phi", ["tanh", sg.tanh, sympy.tanh(sympy.Symbol("u")), nonlinearity("tanh"), lambda z: sympy.tanh(z)]
)
def test_a_nonlinearity_is_a_name_a_function_or_an_expression(phi: object) -> None:
    assert sg.mean_field(phi, **VARIANCES).chi1 == pytest.approx(1.133515699, abs=1e-9)
    assert sg.finite_width(phi, 64, **VARIANCES).mean_rate == sg.finite_width("tanh", 64, **VARIANCES).mean_rate
    assert [p.q for p in sg.critical_points(phi, sigma_b2=0.05)] == [pytest.approx(0.5700478816, abs=1e-9)]


def test_length_and_chi1_follow_from_the_variances() -> None:
    found = sg.mean_field("tanh", **VARIANCES)
    assert finite_width("tanh", 64, **VARIANCES) == finite_width(
        "tanh", 64, **VARIANCES, q=found.point.q, chi1=found.chi1
    )


def test_a_length_that_is_never_reached_has_to_be_given() -> None:
    with pytest.raises(InputError, match="give q and chi1"):
        finite_width("relu", 64, sigma_w2=2.0, sigma_b2=0.1)
