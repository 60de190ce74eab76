"""Plain words into Markdown that shows them as meant: code spans, $math$ and addresses stay, the rest is literal."""

import re

_TOKEN = re.compile(
    r"(?P<code>(?<!`)(`+)(?!`)(?:.+?)(?<!`)\2(?!`))"
    r"|(?P<math>\$(?![\s$])(?:[^$\n\\]|\\.)*?(?<!\s)\$(?!\d))"
    r"|(?P<link>https?://[^\s<>|`]+)",
    re.DOTALL,
)
_SPECIAL = re.compile(r"([\\`*_\[\]~$])")
_LINE_START = re.compile(r"^(\s*)(#|[-+](?=\s)|=(?==)|\d+(?=[.)]\s))")


def prose(text: str, *, cell: bool = False) -> str:
    r"""Escape words for a paragraph on one line, or for a table cell.

    Parameters
    ----------
    text : words with code spans and $math$; line breaks become spaces
    cell : whether the text stands in a table, where ``|`` ends a cell

    Examples
    --------
    >>> prose("w*x and |w| < 4, as in `w*x` or $x_0 < 1$")
    'w\\*x and |w| &lt; 4, as in `w*x` or $x_0 < 1$'
    >>> print(prose("|a| `b|c` $|d|$", cell=True))
    \|a\| `b\|c` $\vert d\vert $
    """
    text = " ".join(text.split())
    parts: list[str] = []
    last = 0
    for token in _TOKEN.finditer(text):
        parts.append(_literal(text[last : token.start()], cell))
        parts.append(_kept(token, cell))
        last = token.end()
    parts.append(_literal(text[last:], cell))
    joined = "".join(parts)
    return joined if cell else _LINE_START.sub(_escaped_start, joined)


def _escaped_start(match: re.Match[str]) -> str:
    """Escape what would begin a heading or a list."""
    space, mark = match.groups()
    return f"{space}{mark}\\" if mark.isdigit() else f"{space}\\{mark}"


def _kept(token: re.Match[str], cell: bool) -> str:
    """Return a code span, formula or address, with the bars a table cell cannot hold replaced."""
    text = token.group()
    if not cell:
        return text
    if token.group("math"):
        return text.replace("\\|", "\\Vert ").replace("|", "\\vert ")
    return text.replace("|", "\\|")


def _literal(text: str, cell: bool) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _SPECIAL.sub(r"\\\1", text)
    return text.replace("|", "\\|") if cell else text


def code(text: str, *, cell: bool = False) -> str:
    """Return the text as a code span, whatever back quotes it holds.

    Examples
    --------
    >>> code("abs(x) <= 1")
    '`abs(x) <= 1`'
    >>> code("a ` b")
    '``a ` b``'
    """
    text = " ".join(text.split())
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    span = f"{fence}{pad}{text}{pad}{fence}"
    return span.replace("|", "\\|") if cell else span


def plain(text: str) -> str:
    r"""Return the words for an image's alternative text: no markup at all.

    Examples
    --------
    >>> plain(r"The plane ($w$, $b$) of `tanh(w*x+b)` [log]")
    'The plane (w, b) of tanh(w\\*x+b) \\[log\\]'
    """
    return _literal(" ".join(text.split()).replace("$", "").replace("`", ""), cell=False)
