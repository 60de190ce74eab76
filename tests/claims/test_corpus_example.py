"""The example file of the format: all of it proved, and refuted with numbers wherever one sign is changed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from symgrad.budget import close
from symgrad.cli import main

EXAMPLE = (Path(__file__).parent / "corpus" / "example.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module", autouse=True)
def no_child_afterwards() -> Iterator[None]:
    yield
    close()


def flipped() -> Iterator[tuple[int, str]]:
    """Yield (line, text) with one sign of a claim flipped, or a side negated where that makes a difference."""
    place = 0
    for number, line in enumerate(EXAMPLE.split("\n"), 1):
        claim = line.partition(" where ")[0] if re.search("[=<>]", line) and not line.startswith("let") else ""
        for sign in re.finditer("[-+]", claim):
            at = place + sign.start()
            yield number, EXAMPLE[:at] + ("-" if sign[0] == "+" else "+") + EXAMPLE[at + 1 :]
        for side in re.finditer(r"(?:^|[=<>] )(?=[a-z1-9])(?!limit|abs)", claim):
            at = place + side.end()
            yield number, f"{EXAMPLE[:at]}-{EXAMPLE[at:]}"
        place += len(line) + 1


def answer(capsys: pytest.CaptureFixture[str], path: Path, text: str) -> tuple[int, dict[str, Any]]:
    path.write_text(text, encoding="utf-8")
    code = main(["check", str(path), "--json", "--budget", "30"])
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, content


def test_the_example_file_is_proved(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, content = answer(capsys, tmp_path / "example.md", EXAMPLE)
    assert code == 0
    assert [(claim["line"], claim["verdict"]) for claim in content["claims"]] == [(n, "proved") for n in range(7, 12)]
    assert content["undeclared"] == ["a", "x"]


@pytest.mark.parametrize(("line", "text"), tuple(flipped()))
def test_one_sign_changed_refutes_a_link_that_touches_its_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, line: int, text: str
) -> None:
    code, content = answer(capsys, tmp_path / "flipped.md", text)
    assert code == 1
    refuted = [claim for claim in content["claims"] if claim["verdict"] == "refuted"]
    assert {claim["line"] for claim in refuted} & {line, line + 1}
    for claim in refuted:
        assert claim["counterexample"] is not None
        assert re.search("left side .*[0-9].*right side .*[0-9]|is [-0-9]", claim["method"]), claim["method"]


def test_every_sign_of_the_example_is_tried() -> None:
    lines = [line for line, _ in flipped()]
    assert lines.count(7) == 4
    assert set(lines) == {7, 8, 10, 11}
