"""A kit that shows how a layer treats the global phase, and how far along time it looks.

For a function f of magnitude features M and phase features Z, global rotation equivariance means, for every angle θ,

    f(M, e^{jθ} Z) = (M', e^{jθ} Z')        with (M', Z') = f(M, Z)

and its error is ‖f(M, e^{jθ} Z) − R f(M, Z)‖₂ / ‖f(M, Z)‖₂, where R turns phase outputs and leaves magnitude outputs.
Two habits let faults pass. Angles of π and π/2 do, since a split activation such as tanh(Re) + j·tanh(Im) commutes with
them: so `assert_equivariant` draws random ones. Initial parameters do, since a bias of 0 does no harm: so
`randomise_parameters` moves every one of them.

Phase features are real pairs, `[batch, 2, ...]`; magnitude features have one dimension fewer.
"""

import math
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

from rephase.signal.real_pair import rotate

Function = Callable[..., Tensor | tuple[Tensor, ...]]
Module = TypeVar("Module", bound=nn.Module)

TOLERANCES = {torch.float32: 1e-5, torch.float64: 1e-10}
"""The largest error of one layer; a whole network may have ten or a hundred times as much."""


def randomise_parameters(module: Module, seed: int = 0) -> Module:
    """Draws every parameter anew at the scale of its initialisation, those that start at 0 or 1 included.

    A parameter that varies keeps its mean and deviation; a constant c ≠ 0 becomes c · (1 + 0.5 · N(0, 1)); a constant 0
    becomes N(0, 1) / √fan-in, fan-in being the number of values per output. Draws are the same for every dtype.

    Args:
        module: changed in place.
        seed: of the draws.

    Returns:
        The module itself.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            wide = torch.complex128 if parameter.is_complex() else torch.float64
            noise = torch.randn(parameter.shape, generator=generator, dtype=wide)
            values = parameter.detach().to("cpu", wide)
            first = values.flatten()[0]
            if (values != first).any():
                drawn = values.mean() + values.std() * noise
            elif first != 0:
                drawn = first * (1 + 0.5 * noise)
            else:
                drawn = noise / math.sqrt(math.prod(parameter.shape[1:]))
            parameter.copy_(drawn)
    return module


def equivariance_error(function: Function, magnitude: Tensor | None, phase: Tensor, rotation: float) -> float:
    """How far a function is from turning with its phase input: the larger relative error of its outputs.

    Args:
        function: a module or function of (magnitude, phase), or of (phase) where `magnitude` is None. It returns phase
            features, magnitude features or a tuple of both, and must be deterministic (a module with dropout: `eval`).
        magnitude: real features, any shape that the function takes; None if it takes none.
        phase: real pair, `[batch, 2, ...]`.
        rotation: the angle θ, radians.

    Returns:
        max over outputs of ‖f(M, e^{jθ} Z) − R f(M, Z)‖₂ / ‖f(M, Z)‖₂, ≥ 0.

    Raises:
        ValueError: If an output has the shape of neither stream, is 0 everywhere (which would prove nothing) or is not
            finite.

    >>> from rephase.signal.real_pair import unit
    >>> equivariance_error(unit, None, torch.randn(1, 2, 3, 4, 5), rotation=1.0) < 1e-5
    True
    >>> equivariance_error(torch.tanh, None, torch.randn(1, 2, 3, 4, 5), rotation=1.0) < 1e-2
    False
    """
    if phase.ndim < 3 or phase.shape[1] != 2:
        raise ValueError(
            f"phase must be a real pair of shape [batch, 2, ...]; got {tuple(phase.shape)}. "
            "Try rephase.signal.real_pair.to_pair(features)."
        )
    first = () if magnitude is None else (magnitude,)
    with torch.no_grad():
        plain = _as_tuple(function(*first, phase))
        turned = _as_tuple(function(*first, rotate(phase, rotation)))
    errors = []
    for number, (before, after) in enumerate(zip(plain, turned, strict=True)):
        if not _is_phase(before, phase) and before.ndim != phase.ndim - 1:
            raise ValueError(
                f"output {number} must have the shape of phase features, {phase.ndim} dimensions and 2 in the second, "
                f"or of magnitude features, {phase.ndim - 1} dimensions; got {tuple(before.shape)}. "
                "Wrap the function so that it returns such shapes."
            )
        expected = rotate(before, rotation) if _is_phase(before, phase) else before
        norm = before.norm().item()
        if norm == 0 or not math.isfinite(norm):
            raise ValueError(
                f"output {number} must be finite and not 0 everywhere to be compared; its norm is {norm}. "
                "Try random input and randomise_parameters(module)."
            )
        errors.append((after - expected).norm().item() / norm)
    # max() would pass over a NaN that is not in the first place.
    return max(errors) if all(map(math.isfinite, errors)) else math.inf


def assert_equivariant(
    function: Function,
    magnitude: Tensor | None,
    phase: Tensor,
    *,
    tolerance: float | None = None,
    angles: int = 4,
    seed: int = 0,
) -> None:
    """Asserts that phase outputs turn with the phase input and that magnitude outputs stay, at random angles.

    Call `randomise_parameters` on a new module first, else its zero biases and idle gates hide faults.

    Args:
        function: as in `equivariance_error`.
        magnitude: as in `equivariance_error`.
        phase: as in `equivariance_error`.
        tolerance: largest error; by default 1e-5 in float32 and 1e-10 in float64.
        angles: how many are tried.
        seed: of the angles.

    Raises:
        AssertionError: If the error is above the tolerance at one of the angles.
        ValueError: As in `equivariance_error`, or if there is no default tolerance for the dtype.
    """
    if tolerance is None:
        if phase.dtype not in TOLERANCES:
            raise ValueError(f"tolerance must be given for {phase.dtype}; only float32 and float64 have a default.")
        tolerance = TOLERANCES[phase.dtype]
    generator = torch.Generator().manual_seed(seed)
    for rotation in (2 * math.pi * torch.rand(angles, generator=generator, dtype=torch.float64)).tolist():
        error = equivariance_error(function, magnitude, phase, rotation)
        if not error <= tolerance:
            raise AssertionError(
                f"not equivariant: relative error {error:.2e} at a rotation of {rotation:.4f} rad, "
                f"where at most {tolerance:.0e} is allowed"
            )


def time_reach(function: Function, *inputs: Tensor, at: int, axis: int = -2) -> tuple[int, int]:
    """(look-back, look-ahead): how far before and after its own place an output sees the input.

    Input place `at` is changed in all inputs at once; outputs after it that change look back, outputs before it look
    ahead. Place `at` far enough from both ends that the reach fits.

    Args:
        function: a module or function of `inputs`, with as many places along time as they have.
        inputs: tensors whose `axis` is time.
        at: the place that is changed.
        axis: −2 for features and −1 for waveforms.

    Raises:
        ValueError: If no output changes.
    """
    changed = _changes(function, inputs, slice(at, at + 1), axis).nonzero().flatten().tolist()
    if not changed:
        raise ValueError(f"at must be a place that matters to the output; changing {at} changed nothing.")
    return max(changed) - at, at - min(changed)


def assert_causal(function: Function, *inputs: Tensor, lookahead: int = 0, axis: int = -2, seed: int = 0) -> None:
    """Asserts that no output depends on input more than `lookahead` places later.

    At four random places everything after them is replaced by noise; what comes out before must stay.

    Args:
        function: a module or function of `inputs`, with as many places along time as they have.
        inputs: tensors whose `axis` is time.
        lookahead: frames (or samples) after its own that an output may see.
        axis: −2 for features and −1 for waveforms.
        seed: of the places.

    Raises:
        AssertionError: If an earlier output changes.
        ValueError: If the inputs are too short to leave anything to compare.
    """
    length = inputs[0].shape[axis]
    if length < lookahead + 2:
        raise ValueError(
            f"inputs must have at least lookahead + 2 = {lookahead + 2} places along axis {axis}; got {length}. "
            "Try longer inputs."
        )
    generator = torch.Generator().manual_seed(seed)
    for cut in torch.randint(lookahead + 1, length, (4,), generator=generator).tolist():
        changed = _changes(function, inputs, slice(cut, None), axis)[: cut - lookahead]
        if changed.any():
            first = int(changed.nonzero()[0])
            raise AssertionError(
                f"not causal: place {first} changes with input from {cut} on, "
                f"{cut - first} later, where a look-ahead of {lookahead} is allowed"
            )


def _changes(function: Function, inputs: tuple[Tensor, ...], where: slice, axis: int) -> Tensor:
    """At which places along time any output moves by more than rounding when the inputs change at `where`."""
    generator = torch.Generator().manual_seed(0)
    others = []
    for values in inputs:
        other = values.clone()
        part = other.movedim(axis, 0)[where]
        noise = torch.randn(part.shape, generator=generator, dtype=torch.float64).to(part)
        # Twice the size and another shape: neither a norm nor a sign hides the change.
        part.copy_(part + 2 * (values.square().mean().sqrt() + 1e-3) * noise)
        others.append(other)
    with torch.no_grad():
        before, after = _as_tuple(function(*inputs)), _as_tuple(function(*others))
    changed = torch.zeros(inputs[0].shape[axis], dtype=torch.bool)
    for one, two in zip(before, after, strict=True):
        moved = (one - two).abs().movedim(axis, 0).flatten(1).amax(dim=1)
        # `not <=` rather than `>`, so that a NaN counts as a change.
        changed |= ~(moved <= 8 * torch.finfo(one.dtype).eps * one.abs().max()).cpu()
    return changed


def _as_tuple(outputs: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (outputs,) if isinstance(outputs, Tensor) else outputs


def _is_phase(features: Tensor, phase: Tensor) -> bool:
    return features.ndim == phase.ndim and features.shape[1] == 2
