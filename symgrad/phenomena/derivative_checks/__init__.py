"""Hand-written numeric derivatives, measured against the functions they claim to differentiate."""
