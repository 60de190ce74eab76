"""Numbers, settings and axes are read exactly, and refused in one line."""

from fractions import Fraction
from pathlib import Path

import pytest
import sympy

from symgrad.cli import values
from symgrad.errors import InputError


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.1", Fraction(1, 10)), ("-2.6", Fraction(-13, 5)), ("1/3", Fraction(1, 3)), ("2*pi", 2 * sympy.pi)],
)
def test_a_constant_is_read_exactly_from_its_text(text: str, value: object) -> None:
    (found,) = values.numbers(text)
    assert values.exact(found) == value


@pytest.mark.parametrize(
    "text", ["nan", "NaN", "-inf", "oo", "", "x", "1e400", "-1e400", "exp(1000)", "1,", "1/0", "log(0)"]
)
def test_what_is_not_a_finite_number_is_refused(text: str) -> None:
    with pytest.raises(InputError) as refusal:
        values.numbers(text)
    assert "\n" not in str(refusal.value)


def test_a_setting_is_a_number_a_list_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "values.txt"
    file.write_text("2, 0.5\n-3\n", encoding="utf-8")
    assert values.setting("w=5") == ("w", Fraction(5))
    assert values.setting("w = [2, 1/2, -3]") == ("w", (Fraction(2), Fraction(1, 2), Fraction(-3)))
    assert values.setting(f"w=@{file}") == values.setting("w=[2,1/2,-3]")


@pytest.mark.parametrize(
    "text", ["w", "w=", "=5", "2=5", "w=[1,2", "w=[]", "w=@/nowhere/at/all", "w=nan", "w==5", "w=1e400", "w=[1,1e400]"]
)
def test_a_setting_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        values.setting(text)


def test_an_axis_has_a_name_bounds_and_a_count() -> None:
    assert values.axis("b=-6:-1") == values.AxisText("b", Fraction(-6), Fraction(-1), values.DEFAULT_COUNT)
    assert values.axis("b=-6:-1:11").count == 11


@pytest.mark.parametrize(
    "text",
    ["w", "w=1", "w=1:2:3:4", "w=2:1", "w=1:1", "w=0:1:0", "w=0:1:1", "w=0:1:-5", "w=0:1:2.5", "w=0:nan", "w=0:1e400"],
)
def test_an_axis_that_cannot_be_swept_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        values.axis(text)


@pytest.mark.parametrize("text", ["-1", "0", "2.5", "x", "", "1e3", "9" * 30])
def test_a_depth_is_a_positive_whole_number(text: str) -> None:
    with pytest.raises(InputError, match="positive whole number"):
        values.symbolic_depth(text)


def test_only_a_symbolic_depth_may_be_n() -> None:
    assert values.symbolic_depth("n") == "n"
    with pytest.raises(InputError, match="number of steps"):
        values.depth("n")


def test_a_name_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match="names w twice"):
        values.once([("w", Fraction(1)), ("w", Fraction(2))], "--set")
    with pytest.raises(InputError, match="'w' is given twice"):
        values.names("w,b,w")


def test_a_list_must_have_one_value_for_each_layer() -> None:
    assert values.fits_layers("w", Fraction(2), 3) == (2, 2, 2)
    with pytest.raises(InputError, match="w has 2 values for 3 layers"):
        values.fits_layers("w", (Fraction(1), Fraction(2)), 3)
    with pytest.raises(InputError, match="lower --depth or tie w"):
        values.fits_layers("w", Fraction(2), 10**9)
