"""Probes: a few forward passes that name what is wrong with a model before any algorithm trips over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fiberscope.problem.double import in_double
from fiberscope.problem.errors import FiberscopeError, ModelError
from fiberscope.problem.gradient_check import find_disagreement, find_jump, find_steps, forward_disagrees
from fiberscope.problem.layers import CutModule, as_rows
from fiberscope.problem.operators_seen import coarse_inside, rounding_inside, told

_BATCH_STATISTICS = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)
_COARSE = (torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2)
_SHADES = ((0.05, 0.05, 0.5), (0.9, 0.4, 0.45))  # offset and contrast of each image that gradients are checked at
_REMEDY = (
    " Remove what does it, explore a layer before it, or, if that gradient is wanted on purpose, say so with "
    "LatentMap(..., surrogate_gradient=True) or --surrogate-gradient; results then say it too."
)
_LARGE = 2**24  # numbers of a Jacobian that is known by products alone
_SIGNS = {"sign", "sgn", "heaviside"}
_RANDOM = (nn.modules.dropout._DropoutNd, nn.RReLU)


def probe(
    model: Callable[[Tensor], Tensor], input_shape: tuple[int, ...], like: Tensor, *, surrogate_gradient: bool = False
) -> int:
    """Returns the latent size of the model; raises `ModelError` that says what to mend where it cannot be explored.

    Found out, in this order: layers in train mode, weights too coarse to follow a fiber, a forward pass that fails, an
    output without a row of floats for each image, chance, rows that influence each other, no gradient, and, unless a
    surrogate is allowed, a gradient that is not the derivative. Costs some 20 forward and 4 backward passes of at most
    three images drawn with a fixed seed in [0, 1]; the model is left as it was.
    """
    _refuse_train_mode(model)
    _refuse_coarse_weights(model)
    _refuse_inference_weights(model)
    generator = torch.Generator().manual_seed(0)
    images = torch.rand((3, *input_shape), generator=generator, dtype=torch.float64).to(like)
    latents = _checked(_run(model, images), images)
    scale = float(latents.abs().max().clamp_min(torch.finfo(like.dtype).tiny))
    _refuse_chance(latents, _checked(_run(model, images), images), scale)
    _refuse_talking_rows(model, images, latents, scale)
    _refuse_no_gradient(model, images)
    for cut in model.modules() if isinstance(model, nn.Module) else ():
        if isinstance(cut, CutModule):
            _refuse_reused_layer(cut, images)
    if not surrogate_gradient:
        _refuse_wrong_gradient(model, images, latents.shape[1])
    return int(latents.shape[1])


def _refuse_train_mode(model: Callable[[Tensor], Tensor]) -> None:
    if not isinstance(model, nn.Module):
        return
    whole = model.module if isinstance(model, CutModule) else model
    for name, layer in whole.named_modules():
        if isinstance(layer, _BATCH_STATISTICS + _RANDOM) and layer.training:
            raise ModelError(
                f"model: layer {name or 'itself'} ({type(layer).__name__}) is in train mode, so the latent of an image "
                "depends on chance or on the rest of its batch. Call model.eval() first."
            )


def _refuse_coarse_weights(model: Callable[[Tensor], Tensor]) -> None:
    if not isinstance(model, nn.Module):
        return
    for name, layer in model.named_modules():
        if ".quantized." in type(layer).__module__:
            raise ModelError(
                f"model: layer {name or 'itself'} ({type(layer).__name__}) is quantised: it rounds what it computes, "
                "so it has no gradient. Take the model as it was before quantisation."
            )
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if tensor.dtype in _COARSE:
            raise ModelError(
                f"model: {name} is {str(tensor.dtype).removeprefix('torch.')}, which is too coarse to follow a fiber: "
                "it keeps three digits. Call model.float(), or model.double() for both in float64."
            )


def _refuse_inference_weights(model: Callable[[Tensor], Tensor]) -> None:
    tensors = [*model.named_parameters(), *model.named_buffers()] if isinstance(model, nn.Module) else []
    for name, tensor in tensors:
        if tensor.is_inference():
            raise ModelError(
                f"model: {name} was made in inference mode, so nothing can be differentiated through it. Build or load "
                "the network outside torch.inference_mode()."
            )


def _run(model: Callable[[Tensor], object], images: Tensor) -> object:
    try:
        with torch.no_grad():
            output = model(images.clone())
            return as_rows(output) if isinstance(output, Tensor) else output
    except FiberscopeError:
        raise
    except Exception as error:
        raise ModelError(
            f"model: a forward pass on images {tuple(images.shape)} of {images.dtype} on {images.device} failed with "
            f"{type(error).__name__}: {error}. Check input_shape (the shape of one image, without the batch), and that "
            f"dtype and device are the model's.{_hint(model)}"
        ) from error


def _hint(model: Callable[[Tensor], object]) -> str:
    """What a failure often comes from: integers are looked up in a table, and nothing can be differentiated there."""
    layers = model.named_modules() if isinstance(model, nn.Module) else ()
    tables = [name for name, layer in layers if isinstance(layer, nn.Embedding | nn.EmbeddingBag)]
    if not tables:
        return ""
    return (
        f" It looks integers up in {tables[0]}: explore the part behind that table, as a module that takes its floats."
    )


def _checked(latents: object, images: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch m"]:
    if not isinstance(latents, Tensor):
        raise ModelError(
            f"model: its output is a {_told(latents)}, not one tensor. Wrap it in a module whose forward "
            "returns the tensor to explore, or name a layer with LatentMap.at_layer."
        )
    if not latents.is_floating_point():
        raise ModelError(
            f"model: its output has dtype {latents.dtype}, not a float. Explore the scores before they become classes."
        )
    if latents.ndim != 2 or latents.shape[0] != images.shape[0] or latents.shape[1] == 0:
        raise ModelError(
            f"model: its output for {images.shape[0]} images has shape {tuple(latents.shape)}, not (batch, ...): at "
            "least one number for each image. Return what it computes before it is averaged over the batch or emptied."
        )
    if latents.dtype != images.dtype:
        raise ModelError(
            f"model: its output has dtype {latents.dtype}, its input {images.dtype}. Use one dtype throughout, "
            "for instance model.double() for both in float64."
        )
    if not bool(latents.isfinite().all()):
        raise ModelError("model: its output on images in [0, 1] is not finite. Check its weights for NaN or infinity.")
    return latents


def _told(output: object) -> str:
    kind = type(output).__name__
    if isinstance(output, Mapping):
        return f"{kind} of {', '.join(map(str, output))}"
    return f"{kind} of {len(output)}" if isinstance(output, tuple | list) else kind


def _refuse_chance(first: Tensor, second: Tensor, scale: float) -> None:
    gap = float((first - second).abs().max())
    if gap > _tolerance(first) * scale:
        raise ModelError(
            f"model: two passes over the same images differ by {gap / scale:.1e} of the latent's size: it is not "
            "deterministic (dropout that stays on, noise or sampling inside). Call model.eval() or remove the noise."
        )


def _refuse_talking_rows(model: Callable[[Tensor], Tensor], images: Tensor, latents: Tensor, scale: float) -> None:
    alone = _checked(_run(model, images[:1]), images[:1])
    turned = _checked(_run(model, images.flip(0)), images).flip(0)
    gap = max(float((alone - latents[:1]).abs().max()), float((turned - latents).abs().max()))
    if gap > _tolerance(latents) * scale:
        raise ModelError(
            f"model: the latent of an image changes by {gap / scale:.1e} of its size with the rest of the batch: rows "
            "influence each other (batch statistics, as in train-mode BatchNorm). Call model.eval() or use a "
            "normalisation within the image."
        )


def _refuse_no_gradient(model: Callable[[Tensor], Tensor], images: Tensor) -> None:
    with torch.enable_grad():
        rows = images.clone().requires_grad_(True)
        try:
            latents = as_rows(model(rows.clone()))
        except RuntimeError as error:
            raise ModelError(
                f"model: a forward pass that can be differentiated failed ({error}); without gradients it did not."
            ) from error
        remedy = "Explore a layer before the step that breaks it (argmax, .detach(), numpy, no_grad)."
        if not latents.requires_grad:
            raise ModelError(f"model: its output does not depend differentiably on the image. {remedy}")
        try:
            torch.autograd.grad(latents.sum(), rows)
        except RuntimeError as error:
            if "inplace" in str(error):
                remedy = "A step overwrites in place what an earlier one still needs: let that step make a new tensor."
            raise ModelError(f"model: backpropagation to the image failed ({error}). {remedy}") from error


def _refuse_wrong_gradient(model: Callable[[Tensor], Tensor], images: Tensor, latent_size: int) -> None:
    def function(points: Tensor) -> Tensor:
        return as_rows(model(points.clone()))

    # Away from black and white, where a clamp has its kinks, and of other brightness and contrast each.
    shades = images.new_tensor(_SHADES).reshape(2, -1, *(1 for _ in images.shape[1:]))
    images = shades[0] + shades[1] * images
    jumping = find_steps(function, images)
    if jumping:
        raise ModelError(
            f"model: latents such as number {jumping[0]} jump, and their derivative is zero everywhere"
            f"{told(function, model, images)}, so no small change of an image leads anywhere.{_REMEDY}"
        )
    # Signs alone are mostly those of a product that is continuous, such as a signed root.
    rounded = bool(set(rounding_inside(function, images)) - _SIGNS)
    if rounded and (jumping_one := find_jump(function, images)) is not None:
        raise ModelError(
            f"model: latents such as number {jumping_one} jump where something is rounded"
            f"{told(function, model, images)}, and the gradient knows nothing of it.{_REMEDY}"
        )
    coarse = coarse_inside(function, images)
    if coarse:
        raise ModelError(
            f"model: it computes in {coarse} inside, which keeps three digits: its gradient is not that of what it "
            f"computes. Switch off autocast or .half() in it.{_REMEDY}"
        )
    wrong = find_disagreement(function, images, fine=in_double(model, images))
    if wrong is not None:
        raise ModelError(
            f"model: its gradient is not its derivative: along random small changes of an image the gradient predicts "
            f"a change of {wrong.predicted:.3g}, the network changes by {wrong.found:.3g}"
            f"{told(function, model, images)}.{_REMEDY}"
        )
    # Where it will be used; its first use in a process costs more than a second.
    if latent_size * images[0].numel() > min(images[0].numel() ** 2, _LARGE) and forward_disagrees(function, images):
        raise ModelError(
            "model: forward mode and backpropagation give different derivatives, so an operator of its own has a wrong "
            f"jvp or backward.{_REMEDY}"
        )


def _refuse_reused_layer(model: CutModule, images: Tensor) -> None:
    for name, uses in model.count_uses(images).items():
        if uses > 1:
            raise ModelError(
                f"layer: {name!r} runs {uses} times in one forward pass, so its output is not one latent. Name "
                "another layer, or give each use a module of its own."
            )


def _tolerance(latents: Tensor) -> float:
    # A kernel may sum in another order for another batch size; that much is rounding, anything beyond is not.
    return 2e3 * torch.finfo(latents.dtype).eps
