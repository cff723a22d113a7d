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


class Leaky(nn.Module):
    """A network one of whose activations lets through a share of what comes in: ``leak h + (1 - leak) act(h)``.

    With leak 1 the activation is left out, with 0 it is as it was; ReLU becomes the leaky ReLU between. ``activation``
    is its name as in ``network.named_modules()``. The network itself is not changed. Raises `FiberscopeError` for an
    unknown name, or a leak outside [0, 1].
    """

    def __init__(self, network: nn.Module, activation: str, leak: float) -> None:
        super().__init__()
        if not 0 <= leak <= 1:
            raise FiberscopeError(f"leak: expected a share from 0 to 1, found {leak}.")
        self.network = network
        self.name = activation
        self.activation = CutModule(network, activation).layer
        self.leak = leak
        self.training = network.training  # not train(): that would reach into the network

    def forward(self, images: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch m"]:
        """Latents of the leaking network."""
        thread = get_ident()
        before: list[Tensor] = []
        ran = False

        def keep(_module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
            if get_ident() != thread:  # the network is shared, and others run it as it is
                return None
            before.append(inputs[0])
            return (inputs[0].clone(), *inputs[1:])  # many activations work in place

        def leak(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor | None:
            nonlocal ran
            if get_ident() != thread:
                return None
            ran = True
            return torch.lerp(output, before.pop(), self.leak)

        handles = (self.activation.register_forward_pre_hook(keep), self.activation.register_forward_hook(leak))
        try:
            latents: Tensor = self.network(images)
        finally:
            for handle in handles:
                handle.remove()
        if not ran:
            raise ModelError(f"activation: {self.name!r} never ran in a forward pass. Name one that it calls.")
        return latents


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
