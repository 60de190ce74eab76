"""Reports: blocks, figures without pyplot, Markdown, and files that appear whole or not at all."""

from symgrad.report import basin_pictures as basin_pictures  # registers how basins look
from symgrad.report import cliff_pictures as cliff_pictures  # registers how a map of cliffs looks
from symgrad.report.blocks import Block, Figure, Formula, Report, Table, Text
from symgrad.report.layers import (
    Annotation,
    Arrows,
    Band,
    Contours,
    Heatmap,
    HorizontalLine,
    Layer,
    Line,
    Points,
    Regions,
    SpaceCurve,
    Surface,
    Trajectory,
    VerticalLine,
)
from symgrad.report.markdown import GalleryEntry, Heading, Page, PictureFile, gallery, render
from symgrad.report.panels import Panel, panels_of
from symgrad.report.pictures import check_picture_file, write_picture
from symgrad.report.publishing import figure_files, prepare, publish

__all__ = [
    "Annotation",
    "Arrows",
    "Band",
    "Block",
    "Contours",
    "Figure",
    "Formula",
    "GalleryEntry",
    "Heading",
    "Heatmap",
    "HorizontalLine",
    "Layer",
    "Line",
    "Page",
    "Panel",
    "PictureFile",
    "Points",
    "Regions",
    "Report",
    "SpaceCurve",
    "Surface",
    "Table",
    "Text",
    "Trajectory",
    "VerticalLine",
    "check_picture_file",
    "figure_files",
    "gallery",
    "panels_of",
    "prepare",
    "publish",
    "render",
    "write_picture",
]
