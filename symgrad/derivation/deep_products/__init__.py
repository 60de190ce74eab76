"""Deep products of parameters: L = s (p - y)² with p the start times a product of weights, and what is exact there."""
