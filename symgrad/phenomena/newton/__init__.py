"""Newton's method as a phenomenon: orbits, systems, local theory and what becomes of its step with depth."""
