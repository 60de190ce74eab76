"""Numbers, settings and axes are read exactly, and refused in one line."""

from fractions import Fraction
from pathlib import Path

import pytest

from symgrad.cli import values
from symgrad.errors import InputError


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.1", Fraction(1, 10)), ("-2.6", Fraction(-13, 5)), ("1/3", Fraction(1, 3)), ("1e-5", Fraction(1, 100000))],
)
def test_a_number_is_read_exactly_from_its_text(text: str, value: Fraction) -> None:
    assert values.number(text) == value


@pytest.mark.parametrize("text", ["nan", "NaN", "-inf", "oo", "", "x", "1e400", "1,2", "1/0"])
def test_what_is_not_a_finite_number_is_refused(text: str) -> None:
    with pytest.raises(InputError) as refusal:
        values.number(text)
    assert "\n" not in str(refusal.value)


def test_a_setting_is_a_number_a_list_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "values.txt"
    file.write_text("2, 1/2\n-3\n", encoding="utf-8")
    assert values.setting("w=5") == ("w", Fraction(5))
    assert values.setting("w = [2, 1/2, -3]") == ("w", (Fraction(2), Fraction(1, 2), Fraction(-3)))
    assert values.setting(f"w=@{file}") == values.setting("w=[2,1/2,-3]")


@pytest.mark.parametrize("text", ["w", "w=", "=5", "2=5", "w=[1,2", "w=[]", "w=@/nowhere/at/all", "w=nan", "w==5"])
def test_a_setting_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        values.setting(text)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.touch()
    with pytest.raises(InputError, match="holds no number"):
        values.setting(f"w=@{empty}")


def test_an_axis_has_a_name_bounds_and_a_count() -> None:
    assert values.axis("b=-6:-1") == values.AxisText("b", Fraction(-6), Fraction(-1), values.DEFAULT_COUNT)
    assert values.axis("b=-6:-1:11").count == 11


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("w", "name=low:high"),
        ("w=1", "name=low:high"),
        ("w=1:2:3:4", "name=low:high"),
        ("w=2:1", "low must be less than high"),
        ("w=1:1", "low must be less than high"),
        ("w=0:1:0", "count 0"),
        ("w=0:1:1", "count 1"),
        ("w=0:1:-5", "count -5"),
        ("w=0:1:2.5", "count 2.5"),
        ("w=0:nan", "finite number"),
    ],
)
def test_an_axis_that_cannot_be_swept_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
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
    with pytest.raises(InputError, match="w is named twice"):
        values.names("w,b,w")


def test_a_list_must_have_one_value_for_each_layer() -> None:
    assert values.fits_layers("w", Fraction(2), 3) == (2, 2, 2)
    with pytest.raises(InputError, match="w has 2 values for 3 layers"):
        values.fits_layers("w", (Fraction(1), Fraction(2)), 3)
