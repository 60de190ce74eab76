"""What a panel shows, layer by layer: frozen descriptions that hold finished arrays and draw nothing themselves.

Every layer copies its data into read-only float64 arrays when it is made and refuses shapes that do not fit, so
rendering cannot fail late and cannot compute. Fields on a plane have shape (len(x), len(y)): the first array axis
is the horizontal one, as a sweep over ``Axis("w"), Axis("b")`` returns it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from symgrad.errors import InputError
from symgrad.report.style import AREA_CYCLE, PALETTE, Colour, Colours, Marker, Stroke

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


def _finish(layer: object, *names: str) -> None:
    """Replace the named attributes by read-only one-dimensional float64 copies of one common length."""
    kind = type(layer).__name__
    for name in names:
        object.__setattr__(layer, name, _fixed(getattr(layer, name), f"{kind}.{name}"))
    sizes = {name: getattr(layer, name).shape for name in names}
    if len(set(sizes.values())) > 1 or any(len(shape) != 1 for shape in sizes.values()):
        found = ", ".join(f"{name} {shape}" for name, shape in sizes.items())
        raise InputError(f"{kind} needs one-dimensional arrays of one length, got {found}; give one value per point")
    if not len(getattr(layer, names[0])):
        raise InputError(f"{kind} was given no points; leave the layer out or give at least one")


def _fixed(values: object, what: str) -> Array:
    """Copy the values into a read-only float64 array."""
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} must hold real numbers, got {type(values).__name__} ({error})") from error
    array.flags.writeable = False
    return array


def _finish_field(layer: object, name: str) -> None:
    """Fix x, y (strictly increasing) and the field over them, shape (len(x), len(y))."""
    kind = type(layer).__name__
    for axis in ("x", "y"):
        values = _fixed(getattr(layer, axis), f"{kind}.{axis}")
        if values.ndim != 1 or values.size < 2 or not np.all(np.diff(values) > 0):
            raise InputError(f"{kind}.{axis} must be two or more strictly increasing numbers, got shape {values.shape}")
        object.__setattr__(layer, axis, values)
    values = _fixed(getattr(layer, name), f"{kind}.{name}")
    needed = (getattr(layer, "x").size, getattr(layer, "y").size)  # noqa: B009
    if values.shape != needed:
        raise InputError(f"{kind}.{name} must have shape (len(x), len(y)) = {needed}, got {values.shape}")
    object.__setattr__(layer, name, values)


def _check_colour(colour: object) -> None:
    if colour is not None and colour not in PALETTE:
        raise InputError(f"colour must be one of {', '.join(PALETTE)}, got {colour!r}")


@dataclass(frozen=True, eq=False)
class Line:
    """A polyline through finished points; a gap is a NaN.

    Parameters
    ----------
    x, y : shape (points,)
    label : the legend entry; empty for none
    colour : a name of the palette; None takes the panel's next one
    stroke : solid, dashed, dotted or dashdot

    Examples
    --------
    >>> Line([0, 1], [1, 4], "loss").y
    array([1., 4.])
    """

    x: Array
    y: Array
    label: str = ""
    colour: Colour | None = field(default=None, kw_only=True)
    stroke: Stroke = field(default="solid", kw_only=True)
    width: float = field(default=1.8, kw_only=True)

    def __post_init__(self) -> None:
        _finish(self, "x", "y")
        _check_colour(self.colour)


@dataclass(frozen=True, eq=False)
class Points:
    """Separate marks, shape (points,) each."""

    x: Array
    y: Array
    label: str = ""
    colour: Colour | None = field(default=None, kw_only=True)
    marker: Marker = field(default="circle", kw_only=True)
    size: float = field(default=6.0, kw_only=True)

    def __post_init__(self) -> None:
        _finish(self, "x", "y")
        _check_colour(self.colour)


@dataclass(frozen=True, eq=False)
class Band:
    """The area between two curves over x, shape (points,) each: an interval per point, such as an enclosure."""

    x: Array
    low: Array
    high: Array
    label: str = ""
    colour: Colour | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _finish(self, "x", "low", "high")
        _check_colour(self.colour)


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A path walked step by step, shape (steps + 1,) each, with its start and its end marked.

    Marks stand at every point, so long jumps and short steps can be told apart.
    """

    x: Array
    y: Array
    label: str = ""
    colour: Colour | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _finish(self, "x", "y")
        _check_colour(self.colour)


@dataclass(frozen=True, eq=False)
class Arrows:
    """Arrows from (x, y) to (x + dx, y + dy) in data units, shape (arrows,) each."""

    x: Array
    y: Array
    dx: Array
    dy: Array
    label: str = ""
    colour: Colour | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _finish(self, "x", "y", "dx", "dy")
        _check_colour(self.colour)


@dataclass(frozen=True)
class HorizontalLine:
    """A line across the panel at height y."""

    y: float
    label: str = ""
    colour: Colour | None = field(default="grey", kw_only=True)
    stroke: Stroke = field(default="dashed", kw_only=True)

    def __post_init__(self) -> None:
        _check_colour(self.colour)


@dataclass(frozen=True)
class VerticalLine:
    """A line up the panel at x."""

    x: float
    label: str = ""
    colour: Colour | None = field(default="grey", kw_only=True)
    stroke: Stroke = field(default="dashed", kw_only=True)

    def __post_init__(self) -> None:
        _check_colour(self.colour)


@dataclass(frozen=True)
class Annotation:
    """A short text beside a point, joined to it by a thin line.

    Parameters
    ----------
    text : may hold mathtext, e.g. r"$w = 4$"
    x, y : the point, in data units
    offset : where the text stands, in points (1/72 inch) right of and above the point
    """

    text: str
    x: float
    y: float
    offset: tuple[float, float] = field(default=(16.0, 16.0), kw_only=True)


@dataclass(frozen=True, eq=False)
class Heatmap:
    """A number per point of a grid, as colour.

    Parameters
    ----------
    x, y : shape (nx,) and (ny,), strictly increasing
    z : shape (nx, ny); what is not finite is drawn grey and named in the legend
    label : what the colour bar measures, with its unit
    colours : "sequential", or "diverging" about ``centre``
    low, high : ends of the colour bar (a diverging one always reaches equally far to both sides of its centre);
        values beyond are shown in the end colours and the bar gets a pointed end
    missing : the legend entry of the values that are not finite

    Examples
    --------
    >>> Heatmap([0, 1], [0, 1, 2], [[1, 2, 3], [4, 5, 6]], "loss").z.shape
    (2, 3)
    >>> Heatmap([0, 1], [0, 1, 2], [[1, 2], [3, 4], [5, 6]], "loss")
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: Heatmap.z must have shape (len(x), len(y)) = (2, 3), got (3, 2)
    """

    x: Array
    y: Array
    z: Array
    label: str
    colours: Colours = field(default="sequential", kw_only=True)
    low: float | None = field(default=None, kw_only=True)
    high: float | None = field(default=None, kw_only=True)
    centre: float = field(default=0.0, kw_only=True)
    missing: str = field(default="no finite value", kw_only=True)

    def __post_init__(self) -> None:
        _finish_field(self, "z")
        if not self.label.strip():
            raise InputError("Heatmap.label must say what the colours measure, got an empty text")


@dataclass(frozen=True, eq=False)
class Contours:
    """Level curves of a field at stated levels.

    Parameters
    ----------
    x, y : shape (nx,) and (ny,), strictly increasing
    z : shape (nx, ny)
    levels : strictly increasing
    """

    x: Array
    y: Array
    z: Array
    levels: Sequence[float]
    label: str = ""
    colour: Colour = field(default="black", kw_only=True)
    stroke: Stroke = field(default="solid", kw_only=True)
    width: float = field(default=1.2, kw_only=True)

    def __post_init__(self) -> None:
        _finish_field(self, "z")
        object.__setattr__(self, "levels", tuple(float(level) for level in self.levels))
        if not self.levels or any(high <= low for low, high in zip(self.levels, self.levels[1:], strict=False)):
            raise InputError(f"Contours.levels must be strictly increasing numbers, got {self.levels}")
        _check_colour(self.colour)


@dataclass(frozen=True, eq=False)
class Regions:
    """A map of the plane in named kinds, with a legend of the kinds that occur.

    Parameters
    ----------
    x, y : shape (nx,) and (ny,), strictly increasing
    codes : integers, shape (nx, ny)
    labels : code → name; every code that occurs needs one
    colours : code → palette name; kinds without one take the next free colour in the order of ``labels``
    shades : shape (nx, ny), from 0 (lightened colour) to 1 (darkened); nan or None leaves the colour as it is; the
        grid must then be equally spaced

    Examples
    --------
    >>> Regions([0, 1], [0, 1], [[0, 1], [1, 7]], {0: "vanishing", 1: "exploding"})
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: Regions.codes holds 7, which labels does not name; name every code
    """

    x: Array
    y: Array
    codes: Codes
    labels: Mapping[int, str]
    colours: Mapping[int, Colour] = field(default_factory=dict, kw_only=True)
    shades: Array | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _finish_field(self, "codes")
        if self.shades is not None:
            _finish_field(self, "shades")
            _check_shades(self)
        whole = np.asarray(self.codes)
        if not np.all(np.isfinite(whole)) or np.any(whole != np.round(whole)):
            raise InputError("Regions.codes must be whole numbers, got fractions or NaN; classify first")
        codes = whole.astype(np.int64)
        codes.flags.writeable = False
        object.__setattr__(self, "codes", codes)
        labels = {int(code): str(label) for code, label in dict(self.labels).items()}
        unnamed = sorted(set(np.unique(codes).tolist()) - set(labels))
        if unnamed:
            raise InputError(f"Regions.codes holds {unnamed[0]}, which labels does not name; name every code")
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "colours", _assigned(labels, self.colours))


def _check_shades(layer: Regions) -> None:
    """Refuse shades outside 0 to 1, and a grid that an image cannot show."""
    shades = np.asarray(layer.shades)
    if np.any(shades < 0) or np.any(shades > 1):
        raise InputError(f"Regions.shades must lie between 0 and 1, got {np.nanmin(shades)} to {np.nanmax(shades)}")
    for axis in (layer.x, layer.y):
        if not np.allclose(np.diff(axis), axis[1] - axis[0], rtol=1e-6):
            raise InputError("Regions with shades need equally spaced x and y; leave the shades out")


def _assigned(labels: Mapping[int, str], chosen: Mapping[int, Colour]) -> dict[int, Colour]:
    """Give every label a colour: the chosen one, or the next that nobody chose."""
    for colour in chosen.values():
        _check_colour(colour)
    free = [colour for colour in AREA_CYCLE if colour not in chosen.values()]
    wanting = [code for code in labels if code not in chosen]
    if len(wanting) > len(free):
        raise InputError(f"Regions can tell {len(AREA_CYCLE)} kinds apart, got {len(labels)}; merge the rare ones")
    return {**dict(chosen), **dict(zip(wanting, free, strict=False))}


@dataclass(frozen=True, eq=False)
class Surface:
    """A height per point of a grid, seen in space; drawn at full resolution, so no wall is thinned away.

    Parameters
    ----------
    x, y : shape (nx,) and (ny,), strictly increasing
    z : shape (nx, ny); what is not finite leaves a hole
    elevation, azimuth : the eye's direction in degrees
    """

    x: Array
    y: Array
    z: Array
    elevation: float = field(default=32.0, kw_only=True)
    azimuth: float = field(default=-120.0, kw_only=True)

    def __post_init__(self) -> None:
        _finish_field(self, "z")


@dataclass(frozen=True, eq=False)
class SpaceCurve:
    """A curve in space, shape (points,) each, drawn over a surface."""

    x: Array
    y: Array
    z: Array
    label: str = ""
    colour: Colour | None = field(default="vermillion", kw_only=True)

    def __post_init__(self) -> None:
        _finish(self, "x", "y", "z")
        _check_colour(self.colour)


FlatLayer = (
    Line
    | Points
    | Band
    | Trajectory
    | Arrows
    | HorizontalLine
    | VerticalLine
    | Annotation
    | Heatmap
    | Contours
    | Regions
)
Layer = FlatLayer | Surface | SpaceCurve
