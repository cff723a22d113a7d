"""Activations that leak: the way back to life for latents that are dead."""

from __future__ import annotations

from collections.abc import Sequence
from threading import get_ident

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fiberscope.problem import FiberscopeError, ModelError
from fiberscope.problem.layers import CutModule

LEAKS = (1.0, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 1e-4, 1e-5, 0.0)


class _Rewired(nn.Module):
    """A network one of whose activations also tells what comes in; the network itself is not changed."""

    def __init__(self, network: nn.Module, activation: str) -> None:
        super().__init__()
        self.network = network
        self.name = activation
        self.activation = CutModule(network, activation).layer
        self.training = network.training  # not train(): that would reach into the network

    def rewire(self, before: Tensor, after: Tensor) -> Tensor:
        """What goes on instead of ``after``, the activation of ``before``."""
        raise NotImplementedError

    def forward(self, images: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch m"]:
        """Latents of the network with the activation rewired."""
        thread = get_ident()
        before: list[Tensor] = []
        ran = False

        def keep(_module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
            if get_ident() != thread:  # the network is shared, and others run it as it is
                return None
            before.append(inputs[0])
            return (inputs[0].clone(), *inputs[1:])  # many activations work in place

        def rewire(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor | None:
            nonlocal ran
            if get_ident() != thread:
                return None
            ran = True
            return self.rewire(before.pop(), output)

        handles = (self.activation.register_forward_pre_hook(keep), self.activation.register_forward_hook(rewire))
        try:
            latents: Tensor = self.network(images)
        finally:
            for handle in handles:
                handle.remove()
        if not ran:
            raise ModelError(f"activation: {self.name!r} never ran in a forward pass. Name one that it calls.")
        return latents


class Leaky(_Rewired):
    """A network one of whose activations lets through a share of what comes in: ``leak h + (1 - leak) act(h)``.

    With leak 1 the activation is left out, with 0 it is as it was; ReLU becomes the leaky ReLU between. ``activation``
    is its name as in ``network.named_modules()``. The network itself is not changed. Raises `FiberscopeError` for an
    unknown name, or a leak outside [0, 1].
    """

    def __init__(self, network: nn.Module, activation: str, leak: float) -> None:
        super().__init__(network, activation)
        if not 0 <= leak <= 1:
            raise FiberscopeError(f"leak: expected a share from 0 to 1, found {leak}.")
        self.leak = leak

    def rewire(self, before: Tensor, after: Tensor) -> Tensor:
        """A share of both."""
        return torch.lerp(after, before, self.leak)


class Awake(_Rewired):
    """A network with a ReLU (ReLU6) whose channels let through their highest input where they would be silent.

    Only channels that are not silent at ``like``, the one image whose latent is aimed at. A channel is silent at an
    image where its output is zero all over; the highest of its inputs then goes on as it is, below zero, and has a
    gradient. Where latents are the channels' means, or the channels themselves, **the fiber is that of the network**: a
    target above zero cannot be met by a silent channel. Axis 1 of the activation is that of the channels. The network
    itself is not changed. Raises `FiberscopeError` for an unknown name, or several images.
    """

    def __init__(self, network: nn.Module, activation: str, like: Float[Tensor, "image ..."]) -> None:
        super().__init__(network, activation)
        if len(like) != 1:
            raise FiberscopeError(f"like: expected the one image whose latent is aimed at, found {len(like)}.")
        found: list[Tensor] = []
        handle = self.activation.register_forward_hook(lambda _module, _inputs, output: found.append(output.clone()))
        try:
            with torch.no_grad():
                network(like)
        finally:
            handle.remove()
        if not found:
            raise ModelError(f"activation: {activation!r} never ran in a forward pass. Name one that it calls.")
        self.wanted = (_by_channel(found[0]) > 0).any(dim=2)[0]

    def rewire(self, before: Tensor, after: Tensor) -> Tensor:
        """The activation, and the highest input of each channel that is wanted and silent."""
        highest, place = _by_channel(before).max(dim=2, keepdim=True)
        below = highest.clamp_max(0.0) * self.wanted[:, None]
        return after + torch.zeros_like(_by_channel(after)).scatter(2, place, below).view_as(after)


def _by_channel(values: Float[Tensor, "batch channel ..."]) -> Float[Tensor, "batch channel place"]:
    return values.reshape(*values.shape[:2], -1)


def leaky_series(network: nn.Module, activation: str, leaks: Sequence[float] = LEAKS) -> list[nn.Module]:
    """The network with an activation that leaks less and less, and at last with leak 0 the network itself.

    Behind a ReLU a latent can be dead at an image and alive at another, and nothing moves it; behind one that leaks
    none is. So `follow` the fibers of one image through these networks from another image. Raises `FiberscopeError` for
    leaks that do not fall from at most 1 to 0.
    """
    leaks = [float(leak) for leak in leaks]
    if not leaks or leaks[-1] != 0 or sorted(set(leaks), reverse=True) != leaks:
        raise FiberscopeError(f"leaks: expected shares that fall and end with 0, found {leaks}.")
    return [*(Leaky(network, activation, leak) for leak in leaks[:-1]), network]
