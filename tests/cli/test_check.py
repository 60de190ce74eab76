"""``symgrad check``: keys, exit codes, bad input, notes written in one step, and watching."""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import symgrad.cli.claim_files as claim_files
from symgrad.budget import close
from symgrad.cli import main
from symgrad.cli.claim_files import Source, read_source, watch, write_back
from symgrad.errors import InputError


@pytest.fixture(scope="module", autouse=True)
def no_child_afterwards() -> Iterator[None]:
    yield
    close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "claims.txt"


def check(capsys: pytest.CaptureFixture[str], *tokens: str, code: int) -> dict[str, Any]:
    assert main(["check", *tokens, "--json", "--budget", "30"]) == code
    out, err = capsys.readouterr()
    assert err == ""
    content: dict[str, Any] = json.loads(out)
    assert list(content) == ["status", "file", "claims", "summary", "errors", "undeclared"]
    return content


def test_the_answer_has_every_claim_with_its_verdict(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    file.write_text("let y: positive\nx/x = 1\n\nsqrt(y**2) = y\n  = y + 1e-20\n", encoding="utf-8")
    content = check(capsys, str(file), code=1)
    first, second, third = content["claims"]
    assert first == {
        "line": 2,
        "text": "x/x = 1",
        "verdict": "proved",
        "method": "polynomial normal form",
        "counterexample": None,
        "domain": ["x != 0"],
    }
    assert (second["line"], second["verdict"], second["domain"]) == (4, "proved", ["y: positive"])
    assert (third["line"], third["verdict"]) == (5, "refuted")
    assert set(third["counterexample"]) == {"y"}
    assert content["summary"] == {"proved": 2, "certified": 0, "supported": 0, "undecided": 0, "refuted": 1}
    assert content["status"] == "3 claims: 2 proved, 1 refuted."
    assert content["undeclared"] == ["x"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x = x", 0),
        ("sqrt(2)**2 = 2", 0),
        ("x = x + 1", 1),
        ("x = x\nx = (", 2),
        ("x = x + 1\nx = (", 1),
        ("let z: complex\nz**2 >= 0", 3),
        ("let z: complex\nz**2 >= 0\nx = (", 2),
        ("log(0) = 1", 2),
    ],
)
def test_the_exit_code_names_the_worst(capsys: pytest.CaptureFixture[str], text: str, code: int) -> None:
    check(capsys, "--claim", text, code=code)


def test_a_line_that_cannot_be_read_is_listed_and_the_others_are_examined(capsys: pytest.CaptureFixture[str]) -> None:
    content = check(capsys, "--claim", "x +* 2 = 3", "--claim", "x = x", code=2)
    (error,) = content["errors"]
    assert (error["line"], error["column"]) == (1, 4)
    assert "something is missing before '*'" in error["message"]
    assert [claim["line"] for claim in content["claims"]] == [2]
    assert content["status"] == "1 claim: 1 proved; 1 line cannot be read."


def test_a_claim_of_a_hundred_thousand_characters_is_refused_on_its_line(
    capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    file.write_text("x = " + "x + " * 25_000 + "x\ny = y\n", encoding="utf-8")
    content = check(capsys, str(file), code=2)
    assert [(error["line"], error["column"]) for error in content["errors"]] == [(1, 1)]
    assert len(content["errors"][0]["message"]) < 400
    assert [claim["verdict"] for claim in content["claims"]] == ["proved"]


def test_a_tower_of_exponentials_is_refused_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    content = check(capsys, "--claim", "exp(exp(exp(1000))) = 1", "--claim", "1 < 2", code=2)
    assert content["errors"][0]["line"] == 1
    assert [claim["line"] for claim in content["claims"]] == [2]


def test_standard_input_is_a_file(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"Prose\n```symgrad\nx = x\n```\n")))
    assert [claim["line"] for claim in check(capsys, "-", code=0)["claims"]] == [3]


def test_a_person_sees_the_line_the_verdict_and_the_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--claim", "let y: positive\nx = 2*x\nsqrt(y**2) = y\n = ("]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "2 claims: 1 proved, 1 refuted; 1 line cannot be read."
    assert out[1] == "    2  refuted    x = 2*x"
    assert out[2].strip().startswith("at x = ")
    assert out[4].strip() == "for y: positive: polynomial normal form"
    assert out[5].startswith("    4  error      not read: ")
    assert out[-1] == "Taken as real, since no let declares them: x."


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty, line 1"),
        (b" \n\n", "is empty"),
        (b"# nothing\nlet x: real\n", "holds no claim"),
        (b"x = x\nab\0c", "a zero byte at line 2, column 3"),
        (b"x = x\n" * 200_000, "more than 1000000 bytes"),
    ],
)
def test_a_file_without_claims_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], file: Path, data: bytes, words: str
) -> None:
    file.write_bytes(data)
    assert main(["check", str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ([], "either FILE"),
        (["a", "--claim", "x = x"], "either FILE"),
        (["a", "b"], "check takes 1"),
        (["-", "--annotate"], "need a file"),
        (["--claim", "x = x", "--watch"], "need a file"),
        (["nowhere/at/all"], "cannot be read: No such file"),
        (["."], "cannot be read: Is a directory"),
    ],
)
def test_bad_usage_is_one_line(capsys: pytest.CaptureFixture[str], tokens: list[str], words: str) -> None:
    assert main(["check", *tokens]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.count("\n") == 1


def test_bytes_that_are_no_text_are_an_error_of_their_line(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfx = x  # caf\xe9\r\ny = \xe9\r\nz = z\r\n")
    content = check(capsys, str(file), "--annotate", code=2)
    assert [(error["line"], error["column"]) for error in content["errors"]] == [(2, 5)]
    data = file.read_bytes()
    assert data.startswith(
        b"\xef\xbb\xbfx = x  # caf\xe9  #> proved: polynomial normal form\r\ny = \xe9  #> not read: "
    )
    check(capsys, str(file), "--annotate", code=2)
    assert file.read_bytes() == data


def test_annotate_writes_the_file_back_and_leaves_its_mode(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    file.write_text("x = x\n", encoding="utf-8")
    file.chmod(0o640)
    link = file.with_name("link.txt")
    link.symlink_to(file)
    check(capsys, "--annotate", str(link), code=0)
    assert file.read_text(encoding="utf-8") == "x = x  #> proved: polynomial normal form\n"
    assert file.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    assert sorted(entry.name for entry in file.parent.iterdir()) == ["claims.txt", "link.txt"]


def test_a_failure_while_writing_leaves_the_file_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_bytes(b"x = x\n")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(InputError, match="cannot be written: No space left"):
        write_back(read_source(str(file)), b"other")
    assert file.read_bytes() == b"x = x\n"
    assert [entry.name for entry in file.parent.iterdir()] == ["claims.txt"]


def test_a_file_that_changed_meanwhile_is_not_overwritten(file: Path) -> None:
    file.write_bytes(b"x = x\n")
    source = read_source(str(file))
    file.write_bytes(b"x = x + 1\n")
    with pytest.raises(InputError, match="changed while it was examined"):
        write_back(source, b"other")
    assert file.read_bytes() == b"x = x + 1\n"
    assert [entry.name for entry in file.parent.iterdir()] == ["claims.txt"]


def test_watching_examines_once_for_each_change(file: Path) -> None:
    contents: list[bytes | None] = [b"one", b"one", None, b"two", b"", b"three", b"three"]
    seen: list[bytes] = []
    refused: list[str] = []

    def step(_: float = 0.0) -> None:
        content = contents.pop(0)
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_bytes(content)

    def examine(source: Source) -> bytes:
        seen.append(source.data)
        return source.data

    step()
    watch(str(file), examine, lambda error: refused.append(str(error)), rounds=7, sleep=step)
    assert seen == [b"one", b"two", b"three"]
    assert len(refused) == 1
    assert "is empty" in refused[0]


def test_what_watching_itself_wrote_is_no_change(file: Path) -> None:
    file.write_bytes(b"one")
    seen: list[bytes] = []

    def examine(source: Source) -> bytes:
        seen.append(source.data)
        file.write_bytes(source.data + b"!")
        return source.data + b"!"

    watch(str(file), examine, lambda error: None, rounds=4, sleep=lambda _: None)
    assert seen == [b"one"]


def test_watch_prints_an_answer_for_each_change_until_interrupted(
    capsys: pytest.CaptureFixture[str], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("x = x\n", encoding="utf-8")
    edits = iter(["x = x\ny = y + 1\n", "x = (\n"])

    def edit(_: float) -> None:
        text = next(edits, None)
        if text is None:
            raise KeyboardInterrupt
        file.write_text(text, encoding="utf-8")

    monkeypatch.setattr(claim_files.watch, "__kwdefaults__", {**claim_files.watch.__kwdefaults__, "sleep": edit})
    assert main(["check", str(file), "--watch", "--annotate", "--json"]) == 130
    out, err = capsys.readouterr()
    answers = [json.loads(line) for line in out.splitlines()]
    assert [answer["summary"]["proved"] for answer in answers] == [1, 1, 0]
    assert [len(answer["errors"]) for answer in answers] == [0, 0, 1]
    assert err == "symgrad: interrupted\n"


BAD = """\
x +* 2 = 3
1 = 1
let x: positive
x = x where x < 0
2 = 2 where 1 < 0
  1/0 = y
log(0) = y
1 < exp(exp(exp(1000)))
let y: real, z
\udcff = 1
y = y
"""


def test_each_bad_line_is_named_with_its_column_and_the_others_are_examined(
    capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    file.write_bytes(BAD.encode("utf-8", "surrogateescape"))
    content = check(capsys, str(file), code=2)
    places = [(error["line"], error["column"]) for error in content["errors"]]
    assert places == [(1, 4), (4, 7), (5, 13), (6, 4), (7, 1), (8, 9), (9, 8), (10, 1), (11, 1)]
    assert [(claim["line"], claim["verdict"]) for claim in content["claims"]] == [(2, "proved")]
    assert main(["check", str(file)]) == 2
    rows = [row for row in capsys.readouterr().out.splitlines() if "  error  " in row]
    assert len(rows) == len(places)
    assert all(f"(column {column}" in row for row, (_, column) in zip(rows, places, strict=True))
