"""``symgrad derive`` prints closed forms with their branches and proof."""

import json

import pytest

from symgrad.cli import main
from symgrad.maps import expression


def derive(capsys: pytest.CaptureFixture[str], *tokens: str) -> dict[str, object]:
    assert main(["derive", *tokens, "--json"]) == 0
    content: dict[str, object] = json.loads(capsys.readouterr().out)
    return content


def test_an_affine_layer_has_both_branches(capsys: pytest.CaptureFixture[str]) -> None:
    content = derive(capsys, "w*x+b", "--state", "x", "--depth", "n")
    assert (content["closed_form"], content["proof"], content["family"]) == ("w**n", "induction", "affine")
    assert content["closed_form_state"] == "b*(w**n - 1)/(w - 1) + w**n*x"
    assert content["branches"] == [
        {"condition": "w != 1", "state": "b*(w**n - 1)/(w - 1) + w**n*x", "product": "w**n"},
        {"condition": "w = 1", "state": "b*n + x", "product": "1"},
    ]


def test_the_logistic_map_at_4_has_its_trigonometric_form(capsys: pytest.CaptureFixture[str]) -> None:
    content = derive(capsys, "4*x*(1-x)")
    assert content["closed_form_state"] == "1/2 - cos(2**n*acos(1 - 2*x))/2"
    assert content["proof"] == "induction"
    for branch in content["branches"]:
        assert expression(branch["state"]) is not None
        assert expression(branch["product"]) is not None


def test_a_start_chooses_its_branch(capsys: pytest.CaptureFixture[str]) -> None:
    content = derive(capsys, "4*x*(1-x)", "--start", "3/4")
    assert (content["closed_form"], content["family"]) == ("(-2)**n", "fixed start")
    content = derive(capsys, "w*sigmoid(x)+b", "--start", "0")
    assert content["closed_form"] is None
    assert content["branches"] == [{"condition": "b = -w/2", "state": "0", "product": "(w/4)**n"}]


def test_no_closed_form_is_claimed_for_other_maps(capsys: pytest.CaptureFixture[str]) -> None:
    content = derive(capsys, "x**2+1/10")
    keys = ("closed_form", "proof", "closed_form_state", "family")
    assert [content[key] for key in keys] == [None] * 4
    assert content["branches"] == []


def test_untied_layers_have_a_state_but_no_shorter_product(capsys: pytest.CaptureFixture[str]) -> None:
    content = derive(capsys, "w*x + u", "--untied", "w", "--depth", "n")
    assert (content["closed_form"], content["proof"]) == (None, None)
    assert content["family"] == "different affine layers"
