"""An answer is valid JSON whatever it holds, and the same content for a person."""

import io
import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symgrad.cli.answers import Answer, number, shown, signed_log, to_json, to_text, write_answer

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.fractions() | st.complex_numbers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


@given(JSON_VALUES)
def test_every_answer_is_valid_json(value: object) -> None:
    loaded = json.loads(to_json({"status": "done", "value": value}), parse_constant=_no_constant)
    assert list(loaded) == ["status", "value"]


@given(JSON_VALUES)
def test_every_answer_can_be_shown_to_a_person(value: object) -> None:
    assert to_text({"status": "done", "value": value}).startswith("done")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_keeps_every_digit(value: float) -> None:
    assert json.loads(to_json({"status": "", "value": value}))["value"] == value
    assert float(shown(value)) == value


def test_what_is_not_finite_is_null_and_arrays_are_lists() -> None:
    content = {"status": "done", "a": np.array([1.0, np.nan]), "b": np.float64("inf"), "c": Fraction(1, 3), "d": 1 + 2j}
    assert json.loads(to_json(content)) == {
        "status": "done",
        "a": [1.0, None],
        "b": None,
        "c": "1/3",
        "d": {"re": 1.0, "im": 2.0},
    }


def test_a_sign_of_zero_has_no_logarithm() -> None:
    assert signed_log(0.0, -math.inf) == {"sign": 0, "log_abs": None}
    assert signed_log(-1.0, -2e5) == {"sign": -1, "log_abs": -2e5}
    assert signed_log(0.0, math.nan) is None


def test_a_number_is_plain_as_long_as_float64_holds_all_its_digits() -> None:
    assert number(-1.0, math.log(2), -2.0) == -2.0
    assert number(0.0, -math.inf, 0.0) == 0.0
    assert number(1.0, -800.0, 0.0) == {"sign": 1, "log_abs": -800.0}
    assert number(1.0, -740.0, 4e-322) == {"sign": 1, "log_abs": -740.0}
    assert number(-1.0, 1e5, -math.inf) == {"sign": -1, "log_abs": 1e5}


@pytest.mark.parametrize(
    ("log_abs", "text"),
    [
        (0.0, "1"),
        (math.log(1000), "1000"),
        (-math.log(8), "0.125"),
        (-math.log(1e8), "1e-08"),
        (1e6, "3.0332154e+434294"),
    ],
)
def test_a_logarithm_is_shown_as_a_decimal_number(log_abs: float, text: str) -> None:
    assert shown({"sign": 1, "log_abs": log_abs}).startswith(text + " (log of its size")


def test_rows_become_an_aligned_table() -> None:
    text = to_text({"status": "done", "shares": [{"regime": "zero", "share": 0.5}, {"regime": "exploding"}]})
    assert text.splitlines() == ["done", "", "shares:", "  regime     share", "  zero       0.5", "  exploding  none"]


class _Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_colour_only_on_a_terminal_and_never_with_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    plain, coloured, refused = io.StringIO(), _Terminal(), _Terminal()
    answer = Answer({"status": "done"})
    write_answer(answer, json_wanted=False, stream=plain)
    write_answer(answer, json_wanted=False, stream=coloured)
    monkeypatch.setenv("NO_COLOR", "1")
    write_answer(answer, json_wanted=False, stream=refused)
    assert plain.getvalue() == refused.getvalue() == "done\n"
    assert coloured.getvalue() == "\x1b[1mdone\x1b[0m\n"


def test_an_ascii_stream_loses_nothing() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    write_answer(Answer({"status": "∏ f'"}), json_wanted=False, stream=stream)
    stream.seek(0)
    assert stream.read() == "\\u220f f'\n"
