"""What a probe can measure: the module and the batch are checked before anything runs."""

import math
from typing import Any

from symgrad.errors import InputError
from symgrad.phenomena.probes.extra import require_torch


def checked(model: Any, batch: Any) -> tuple[Any, Any, tuple[str, ...]]:
    """Return the module, the batch on its device and in its precision, and notes on what was changed.

    Raises
    ------
    InputError : no module, no weights, weights or numbers that are not finite, complex ones, an empty batch
    """
    torch = require_torch()
    model = _checked_model(torch, model)
    if isinstance(batch, torch.nn.utils.rnn.PackedSequence):
        raise InputError("the batch is a PackedSequence; give a padded tensor, e.g. pad_packed_sequence(batch)[0]")
    if not isinstance(batch, torch.Tensor):
        raise InputError(f"batch must be a torch.Tensor, got {type(batch).__name__}; give e.g. torch.as_tensor(batch)")
    if batch.is_complex():
        raise InputError("the batch holds complex numbers; probe measures real networks, give real ones")
    if batch.numel() == 0 or batch.dim() == 0:
        raise InputError(
            f"the batch has shape {tuple(batch.shape)}; give at least one sample, first dimension = samples"
        )
    if not bool(torch.isfinite(batch).all()):
        place = torch.nonzero(~torch.isfinite(batch))[0].tolist()
        raise InputError(f"the batch is not finite at index {place}; give finite numbers")
    home = next(p for p in model.parameters() if p.is_floating_point())
    notes = []
    if batch.is_floating_point() and batch.dtype != home.dtype:
        notes.append(f"the batch was brought from {name_of(batch.dtype)} to the model's {name_of(home.dtype)}")
        batch = batch.to(home.dtype)
    return model, batch.detach().to(home.device), tuple(notes)


def _checked_model(torch: Any, model: Any) -> Any:
    if not isinstance(model, torch.nn.Module):
        raise InputError(
            f"model must be a torch.nn.Module, got {type(model).__name__}; give e.g. torch.nn.Sequential(…)"
        )
    # A compiled module holds the plain one, which has the same weights.
    model = getattr(model, "_orig_mod", model)
    parameters = dict(model.named_parameters())
    if any(isinstance(p, torch.nn.parameter.UninitializedParameter) for p in parameters.values()):
        raise InputError("the model has weights without a shape yet; run it once on a batch, then probe it")
    if any(p.is_complex() for p in parameters.values()):
        raise InputError("the model has complex weights; probe measures real networks")
    if not any(p.is_floating_point() and p.numel() for p in parameters.values()):
        raise InputError("the model has no parameters, so that it has no gain to measure; give a module with weights")
    for name, parameter in parameters.items():
        if parameter.is_meta:
            raise InputError(f"parameter {name!r} is on the meta device and has no values; load the weights first")
        if not bool(torch.isfinite(parameter).all()):
            raise InputError(f"parameter {name!r} is not finite; give a model with finite weights")
    return model


def name_of(dtype: Any) -> str:
    """Return a floating-point type as text, e.g. float32."""
    return str(dtype).removeprefix("torch.")


def check_options(samples: Any, cotangents: Any, tolerance: Any, seed: Any) -> None:
    """Refuse options that are no positive whole numbers, and a tolerance that is not positive.

    >>> check_options(0, 32, 0.05, 0)
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: samples must be a positive whole number, got 0; give e.g. 8
    """
    for name, value, usual in (("samples", samples, 8), ("cotangents", cotangents, 32)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InputError(f"{name} must be a positive whole number, got {value!r}; give e.g. {usual}")
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or not 0 < tolerance < math.inf:
        raise InputError(f"tolerance must be positive, got {tolerance!r}; it is a rate in nats per block, e.g. 0.05")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed must be a whole number of at least 0, got {seed!r}; give e.g. 0")
