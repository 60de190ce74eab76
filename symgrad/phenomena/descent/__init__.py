"""Descent on a loss surface: paths of update rules, the catapults on them, and which steps are safe."""
