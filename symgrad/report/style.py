"""The look every figure shares: colours that stay apart for every eye, sizes that fit a slide.

References
----------
Okabe and Ito (2008), Color Universal Design: the eight categorical colours.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

Colour = Literal["blue", "vermillion", "green", "purple", "orange", "sky", "black", "yellow", "grey", "white"]
Stroke = Literal["solid", "dashed", "dotted", "dashdot"]
Marker = Literal["circle", "square", "triangle", "diamond", "cross", "star"]
Colours = Literal["sequential", "diverging"]

PALETTE: Mapping[Colour, str] = MappingProxyType(
    {
        "blue": "#0072B2",
        "vermillion": "#D55E00",
        "green": "#009E73",
        "purple": "#CC79A7",
        "orange": "#E69F00",
        "sky": "#56B4E9",
        "black": "#000000",
        "yellow": "#F0E442",
        "grey": "#999999",
        "white": "#FFFFFF",
    }
)
CYCLE: tuple[Colour, ...] = ("blue", "vermillion", "green", "purple", "orange", "sky", "black", "yellow")
FIELD_CYCLE: tuple[Colour, ...] = ("black", "white", "vermillion", "orange", "sky")
AREA_CYCLE: tuple[Colour, ...] = ("sky", "orange", "green", "yellow", "purple", "vermillion", "blue", "grey", "black")
MARKERS: Mapping[Marker, str] = MappingProxyType(
    {"circle": "o", "square": "s", "triangle": "^", "diamond": "D", "cross": "X", "star": "*"}
)
COLOURMAPS: Mapping[Colours, str] = MappingProxyType({"sequential": "viridis", "diverging": "RdBu_r"})
MISSING = "#DDDDDD"

COLUMN_INCHES: Mapping[int, float] = MappingProxyType({1: 7.2, 2: 11.0, 3: 13.3})
ROW_INCHES = 4.4
PIXELS_PER_INCH = 150

RC: Mapping[str, Any] = MappingProxyType(
    {
        "figure.dpi": PIXELS_PER_INCH,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "savefig.dpi": "figure",
        "svg.fonttype": "path",
        "svg.hashsalt": "symgrad",
        "svg.image_inline": True,
        "font.family": ["DejaVu Sans"],
        "font.size": 12.0,
        "mathtext.fontset": "dejavusans",
        "axes.titlesize": 12.5,
        "axes.titlelocation": "left",
        "axes.titlepad": 8.0,
        "axes.labelsize": 12.0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": False,
        "axes.axisbelow": True,
        "axes.formatter.limits": (-4, 5),
        "grid.color": "#E3E3E3",
        "grid.linewidth": 0.8,
        "xtick.labelsize": 11.0,
        "ytick.labelsize": 11.0,
        "legend.fontsize": 11.0,
        "legend.frameon": False,
        "lines.linewidth": 1.8,
        "path.simplify": True,
    }
)
