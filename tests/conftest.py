"""Every test runs with the shapes and types of the signatures checked, on one thread: small networks gain nothing from two, and lose much where cores are shared."""

from jaxtyping import install_import_hook

install_import_hook("fiberscope", "beartype.beartype")

import torch  # noqa: E402  (the hook has to stand before anything imports fiberscope)

torch.set_num_threads(1)
