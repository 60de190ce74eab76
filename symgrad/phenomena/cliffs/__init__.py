"""Cliffs of loss surfaces: exact candidates, located walls, their heights and widths, and what is complete."""
