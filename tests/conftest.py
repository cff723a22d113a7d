"""Every test runs with the shapes and types of the signatures checked, on one thread.

Small networks gain nothing from a second thread, and lose much where other work shares the cores.
"""

import signal

from jaxtyping import install_import_hook

# A suite that was started in the background inherits that Ctrl-C is ignored; the processes that it starts must not.
signal.signal(signal.SIGINT, signal.default_int_handler)

install_import_hook("fiberscope", "beartype.beartype")

import torch  # noqa: E402  (the hook has to stand before anything imports fiberscope)

torch.set_num_threads(1)
