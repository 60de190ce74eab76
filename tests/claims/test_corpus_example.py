"""The example file of the format: all of it proved, and refuted with numbers wherever one sign is changed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from symgrad.claims import Examined, Known, examine_document, open_document
from symgrad.cli import main
from symgrad.evidence import Verdict

EXAMPLE = (Path(__file__).parent / "corpus" / "example.md").read_text(encoding="utf-8")
KNOWN: Known = {}


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
def test_one_sign_changed_refutes_a_link_that_touches_its_line(line: int, text: str) -> None:
    found = list(examine_document(open_document(text), seconds=30.0, known=KNOWN))
    refuted = [one for one in found if isinstance(one, Examined) and one.evidence.verdict is Verdict.REFUTED]
    assert {one.link.line for one in refuted} & {line, line + 1}
    for one in refuted:
        assert one.evidence.witness is not None
        assert re.search("left side .*[0-9].*right side .*[0-9]|is [-0-9]", one.evidence.method), one.evidence.method


def test_a_sign_changed_exits_with_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, content = answer(capsys, tmp_path / "flipped.md", EXAMPLE.replace("(1 - tanh", "(1 + tanh"))
    assert code == 1
    assert {claim["line"] for claim in content["claims"] if claim["counterexample"]} == {7, 8}


def test_every_sign_of_the_example_is_tried() -> None:
    lines = [line for line, _ in flipped()]
    assert lines.count(7) == 4
    assert set(lines) == {7, 8, 10, 11}
