"""Probes of real networks: what a PyTorch module does to gradients, block by block, beside what theory predicts."""
