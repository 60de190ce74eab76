"""Basins: which root, which cycle or which infinity an update rule takes each start to."""
