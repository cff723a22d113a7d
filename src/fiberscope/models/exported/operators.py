"""Operators that an exported program may have: those that make tensors of tensors, and do nothing else."""

from __future__ import annotations

from typing import Any

import torch

from fiberscope.models.json_rules import Refused, shown

# By name, since whatever torch adds may read files, run code, or reach memory of others. Left out on purpose: files
# (from_file, save), foreign memory (set_, resize_, empty), random numbers, sizes that depend on values.
_POINTWISE = """
abs absolute acos acosh add addcdiv addcmul angle arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan
atan2 atanh bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor ceil celu clamp
clamp_max clamp_min clip clone conj conj_physical contiguous copysign cos cosh deg2rad detach detach_copy digamma div
divide elu eq erf erfc erfinv exp exp2 expm1 fill fix float_power floor floor_divide fmax fmin fmod frac ge gelu glu
greater greater_equal gt hardshrink hardsigmoid hardswish hardtanh heaviside hypot i0 isclose isfinite isinf isnan
isneginf isposinf isreal ldexp le leaky_relu lerp less less_equal lgamma log log10 log1p log2 log_sigmoid logaddexp
logaddexp2 logical_and logical_not logical_or logical_xor logit lt masked_fill maximum minimum mish mul multiply
nan_to_num ne neg negative not_equal polar positive pow prelu rad2deg real imag reciprocal relu relu6 remainder
resolve_conj resolve_neg round rrelu rsqrt rsub selu sgn sigmoid sign signbit silu sin sinc sinh softplus softshrink
special_entr special_erf special_erfc special_erfcx special_erfinv special_exp2 special_expit special_expm1 special_i0
special_i0e special_i1 special_i1e special_log1p special_log_ndtr special_logit special_ndtr special_ndtri
special_round special_sinc special_xlog1py special_xlogy sqrt square sub subtract tan tanh threshold true_divide trunc
type_as view_as_complex view_as_real where xlogy zero __and__ __or__ __xor__ __lshift__ __rshift__ _conj_physical
log_sigmoid_forward
"""
_IN_PLACE = """
abs_ add_ addcdiv_ addcmul_ bitwise_and_ bitwise_not_ bitwise_or_ ceil_ celu_ clamp_ clamp_max_ clamp_min_ clip_ copy_
cos_ div_ divide_ elu_ eq_ erf_ exp_ exp2_ expm1_ fill_ floor_ gelu_ hardsigmoid_ hardswish_ hardtanh_ index_add_
index_copy_ index_fill_ index_put_ leaky_relu_ lerp_ log_ log1p_ log2_ logical_and_ logical_not_ logical_or_
masked_fill_ masked_scatter_ mish_ mul_ multiply_ nan_to_num_ neg_ pow_ reciprocal_ relu_ relu6_ remainder_ round_
rsqrt_ scatter_ scatter_add_ selu_ sigmoid_ sign_ silu_ sin_ sqrt_ square_ sub_ subtract_ tanh_ threshold_ tril_ triu_
true_divide_ trunc_ zero_ baddbmm_ addmm_ dropout_ alpha_dropout_ feature_dropout_ squeeze_ unsqueeze_ transpose_ t_
detach_
"""
_SHAPES = """
adjoint alias alias_copy as_strided atleast_1d atleast_2d atleast_3d block_diag broadcast_tensors broadcast_to cat
channel_shuffle native_channel_shuffle chunk column_stack concat concatenate constant_pad_nd copy diag diag_embed
diagflat diagonal diagonal_copy diagonal_scatter dsplit dstack expand expand_as expand_copy flatten flip fliplr flipud
gather hsplit hstack im2col col2im index index_add index_copy index_fill index_put index_select kron lift_fresh
lift_fresh_copy masked_scatter meshgrid moveaxis movedim narrow narrow_copy numpy_T one_hot pad permute permute_copy
pixel_shuffle pixel_unshuffle ravel reflection_pad1d reflection_pad2d reflection_pad3d repeat repeat_interleave
replication_pad1d replication_pad2d replication_pad3d reshape reshape_as roll rot90 row_stack scatter scatter_add
scatter_reduce select select_copy select_scatter slice slice_copy slice_scatter split split_copy split_with_sizes
split_with_sizes_copy squeeze squeeze_copy stack swapaxes swapdims t t_copy take take_along_dim tensor_split tile
transpose transpose_copy tril triu unbind unbind_copy unflatten unfold unfold_copy unsafe_chunk unsafe_split
unsafe_split_with_sizes unsqueeze unsqueeze_copy view view_as view_copy vsplit vstack mT mH matrix_H _unsafe_view
_unsafe_index _reshape_copy
"""
_SUMS = """
addbmm addmm addmv addr all amax amin aminmax any argmax argmin argsort baddbmm bilinear bmm bucketize cdist
chain_matmul corrcoef cosine_similarity count_nonzero cov cross cummax cummin cumprod cumsum diff dist dot einsum ger
inner inverse kthvalue linalg_cross linalg_det linalg_diagonal linalg_inv linalg_matmul linalg_matrix_norm
linalg_multi_dot linalg_norm linalg_vecdot linalg_vector_norm log_softmax logcumsumexp logsumexp matmul max mean median
min mm mode msort mv nanmean nansum norm nuclear_norm frobenius_norm outer pairwise_distance pdist prod quantile
searchsorted softmax sort special_log_softmax special_logsumexp special_softmax std std_mean sum sum_to_size tensordot
topk trace tril_indices triu_indices var var_mean vdot _softmax _log_softmax _cdist_forward _euclidean_dist _trilinear
linalg_pinv linalg_solve linalg_qr linalg_svd linalg_eigh linalg_cholesky renorm
"""
_LAYERS = """
adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d
affine_grid_generator alpha_dropout avg_pool1d avg_pool2d avg_pool3d batch_norm conv1d conv2d conv3d conv_transpose1d
conv_transpose2d conv_transpose3d convolution dropout embedding embedding_bag feature_alpha_dropout feature_dropout
fft_fft fft_fft2 fft_fftn fft_fftfreq fft_fftshift fft_hfft fft_ifft fft_ifft2 fft_ifftn fft_ifftshift fft_irfft
fft_irfft2 fft_irfftn fft_rfft fft_rfft2 fft_rfftfreq fft_rfftn fractional_max_pool2d grid_sampler grid_sampler_2d
grid_sampler_3d group_norm gru gru_cell instance_norm layer_norm linear lstm lstm_cell max_pool1d
max_pool1d_with_indices max_pool2d max_pool2d_with_indices max_pool3d max_pool3d_with_indices max_unpool2d max_unpool3d
native_batch_norm native_dropout native_group_norm native_layer_norm rms_norm rnn_relu rnn_relu_cell rnn_tanh
rnn_tanh_cell scaled_dot_product_attention stft istft upsample_bicubic2d upsample_bilinear2d upsample_linear1d
upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_trilinear3d _adaptive_avg_pool2d _adaptive_avg_pool3d
_convolution _fft_c2c _fft_c2r _fft_r2c _fused_rms_norm _native_batch_norm_legit _native_batch_norm_legit_no_training
_native_multi_head_attention _transformer_encoder_layer_fwd _scaled_dot_product_attention_math
_scaled_dot_product_flash_attention_for_cpu _upsample_bicubic2d_aa _upsample_bilinear2d_aa _upsample_nearest_exact1d
_upsample_nearest_exact2d _upsample_nearest_exact3d _weight_norm _weight_norm_interface
"""
_NEW = """
arange eye full full_like hann_window hamming_window linspace logspace new_full new_ones new_zeros ones ones_like
scalar_tensor zeros zeros_like to _to_copy is_floating_point is_complex sym_size sym_numel sym_stride
sym_constrain_range sym_constrain_range_for_size _assert_scalar
"""
_PURE = frozenset(" ".join((_POINTWISE, _IN_PLACE, _SHAPES, _SUMS, _LAYERS, _NEW)).split())
_SIZES = """
_operator.add _operator.sub _operator.mul _operator.floordiv _operator.truediv _operator.mod _operator.neg _operator.eq
_operator.ne _operator.lt _operator.le _operator.gt _operator.ge _operator.and_ _operator.or_ _operator.not_
torch.sym_max torch.sym_min torch.sym_not torch.sym_ite torch.sym_float torch.sym_int math.ceil math.floor math.trunc
"""
_ON_SIZES = frozenset(_SIZES.split())
_BLOCKS = frozenset(f"torch.ops.higher_order.{name}" for name in ("wrap_with_set_grad_enabled", "wrap_with_autocast"))
_TENSORS = {"Tensor", "Optional[Tensor]", "List[Tensor]", "List[Optional[Tensor]]"}
_PLAIN = ("int", "float", "bool", "number", "str", "Device", "Generator")
_KINDS = {
    *_TENSORS,
    *_PLAIN,
    *(f"Optional[{each}]" for each in _PLAIN),
    *(each for plain in ("int", "float", "bool") for each in (f"List[{plain}]", f"Optional[List[{plain}]]")),
}
# says of a tensor where and of which kind it is, and makes nothing
CHECKS = "torch.ops.aten._assert_tensor_metadata.default"


def operator_name(found: Any) -> str:
    """The full name of an operator, where it is one of those above."""
    if isinstance(found, str) and (found in _ON_SIZES or found in _BLOCKS or found == CHECKS or _is_pure(found)):
        return found
    raise Refused(f"operator {shown(found)} is none of torch's own that make tensors of tensors")


def _is_pure(name: str) -> bool:
    *place, packet, overload = name.split(".") if name.count(".") == 4 else [""] * 5
    if place != ["torch", "ops", "aten"] or packet not in _PURE:
        return False
    operators = getattr(torch.ops.aten, packet)
    return "out" not in overload and overload in operators.overloads() and _is_of_tensors(getattr(operators, overload))


def _is_of_tensors(operator: Any) -> bool:
    """Torch's scripts have operators on strings and lists under the names of those on tensors."""
    schema = operator._schema
    kinds = {str(each.type) for each in (*schema.arguments, *schema.returns)}
    return bool(kinds & _TENSORS) and kinds <= _KINDS
