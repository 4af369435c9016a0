"""Networks that Keras 2 stored as HDF5, read without Keras or TensorFlow.

The file holds the layers as JSON and the weights as arrays. Each layer is compared with what our
architecture of the family says, so that a network that merely has the right shapes (another
activation, another pooling) is not taken for one of ours.
"""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from models.networks.architecture import ACAI, BRAAI, Architecture, weight_shapes
from models.networks.stored import check_weights
from udfs.alerts.metadata import FEATURES
from udfs.errors import ContractError

Layer = Mapping[str, Any]
_NO_TRACE = ("Dropout", "InputLayer")
_TOLD = {
    "SeparableConv2D": ("filters", "kernel_size", "strides", "padding", "dilation_rate",
                        "depth_multiplier", "data_format", "activation", "use_bias"),
    "Conv2D": ("filters", "kernel_size", "strides", "padding", "dilation_rate", "data_format",
               "activation", "use_bias"),
    "MaxPooling2D": ("pool_size", "strides", "padding", "data_format"),
    "Dense": ("units", "activation", "use_bias"),
    "Flatten": ("data_format",),
    "GlobalAveragePooling2D": ("data_format",),
}  # fmt: skip
_WEIGHTS = {
    "SeparableConv2D": ("depthwise_kernel", "pointwise_kernel", "bias"),
    "Conv2D": ("kernel", "bias"),
    "Dense": ("kernel", "bias"),
}
_CONVOLUTION = {
    "kernel_size": [3, 3], "strides": [1, 1], "padding": "valid", "dilation_rate": [1, 1],
    "data_format": "channels_last", "activation": "relu", "use_bias": True,
}  # fmt: skip


def read_keras2(content: bytes, *, name: str) -> tuple[Architecture, list[NDArray[np.float32]]]:
    """The network in an HDF5 file of Keras 2: one of ACAI's, or braai.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        What to call it in messages.

    Returns
    -------
    Architecture, and the weights in the order of ``weight_shapes``.

    Raises
    ------
    ContractError
        If the file is damaged, or the network is none that we know: the first layer that differs
        is named.
    """
    try:
        with h5py.File(io.BytesIO(content), "r") as stored:
            config = json.loads(stored.attrs["model_config"])
            layers = _in_our_order(config, name)
            architecture = _recognised(layers, name)
            weights = [
                array
                for layer in layers
                if layer["class_name"] in _WEIGHTS
                for array in _weights_of(stored["model_weights"], layer, name)
            ]
    except (OSError, ValueError, RuntimeError, TypeError, LookupError, AttributeError) as error:
        if isinstance(error, ContractError):
            raise
        raise ContractError(
            f"{name}: not a whole HDF5 file of a Keras 2 network "
            f"({type(error).__name__}: {str(error)[:120]}); fetch it again"
        ) from error
    try:
        check_weights(architecture, weights)
    except ContractError as error:
        raise ContractError(f"{name}: {error}") from error
    return architecture, weights


def _in_our_order(config: Mapping[str, Any], name: str) -> list[Layer]:
    """The layers with an effect: image branch, then features, then head and output."""
    layers = config["config"]["layers"]
    if config["class_name"] == "Sequential":
        return [layer for layer in layers if layer["class_name"] not in _NO_TRACE]
    by_name = {layer["config"]["name"]: layer for layer in layers}
    outputs = [output[0] for output in config["config"]["output_layers"]]
    if len(outputs) != 1:
        raise ContractError(f"{name}: {len(outputs)} outputs, expected 1")
    head, join = _back_from(outputs[0], by_name)
    if join is None:
        return head
    if join["class_name"] != "Concatenate" or join["config"]["axis"] not in (-1, 1):
        raise ContractError(f"{name}: layer {_called(join)} joins the branches, expected a "
                            "Concatenate along the last axis")  # fmt: skip
    branches = [_back_from(inbound[0], by_name) for inbound in join["inbound_nodes"][0]]
    if len(branches) != 2 or any(further is not None for _, further in branches):
        raise ContractError(f"{name}: {len(branches)} branches, expected features and images")
    # The order within the join decides which weights of the head meet which branch.
    (features, _), (image, _) = branches
    return [*image, *features, *head]


def _back_from(start: str, by_name: Mapping[str, Layer]) -> tuple[list[Layer], Layer | None]:
    """The chain that ends in a layer, from its beginning, and the join that it starts from."""
    chain: list[Layer] = []
    name = start
    for _ in by_name:
        layer = by_name[name]
        inbound = layer["inbound_nodes"]
        if inbound and len(inbound[0]) > 1:
            return chain[::-1], layer
        if layer["class_name"] not in _NO_TRACE:
            chain.append(layer)
        if not inbound:
            return chain[::-1], None
        name = inbound[0][0][0]
    raise ContractError(f"the layers before {start} run in a circle")


def _recognised(layers: Sequence[Layer], name: str) -> Architecture:
    """The architecture whose layers these are; the nearest one explains the error."""
    known = [Architecture(ACAI, len(FEATURES)), Architecture(BRAAI, 0)]
    found = [_told(layer["class_name"], layer["config"]) for layer in layers]
    wanted = {architecture.family: _layers_of(architecture) for architecture in known}
    for architecture in known:
        if found == wanted[architecture.family]:
            return architecture
    nearest = max(known, key=lambda a: _agreement(found, wanted[a.family]))
    at = _agreement(found, wanted[nearest.family])
    expected = [*wanted[nearest.family], "the end"][at]
    layer = f"layer {_called(layers[at])}" if at < len(layers) else "the end"
    raise ContractError(
        f"{name}: {layer} is {[*found, 'no layer'][at]}; expected {expected} of {nearest.family}: "
        "networks of another architecture cannot be imported"
    )


def _agreement(found: Sequence[str], wanted: Sequence[str]) -> int:
    """Number of layers up to the first that differs."""
    pairs = zip(found, wanted, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(found), len(wanted)))


def _layers_of(architecture: Architecture) -> list[str]:
    """What the importer must find, layer by layer."""
    own = architecture.branches
    last = {"data_format": "channels_last"}
    kind = "SeparableConv2D" if own.separable else "Conv2D"
    shapes = dict(weight_shapes(architecture))
    told = []
    for block, pool in enumerate(own.pools):
        filters = shapes[f"conv_{2 * block + 1}.bias"][0]
        told += 2 * [_told(kind, {**_CONVOLUTION, "filters": filters, "depth_multiplier": 1})]
        pooling = {"pool_size": [pool, pool], "strides": [pool, pool], "padding": "valid", **last}
        told += [_told("MaxPooling2D", pooling)] if pool > 1 else []
    told.append(_told("Flatten" if own.flatten else "GlobalAveragePooling2D", last))
    relu = {"activation": "relu", "use_bias": True}
    told += [_told("Dense", {**relu, "units": units}) for units in own.feature_units]
    told.append(_told("Dense", {**relu, "units": architecture.head}))
    sigmoid = {"activation": "sigmoid", "use_bias": True, "units": architecture.n_outputs}
    return [*told, _told("Dense", sigmoid)]


def _told(kind: str, config: Mapping[str, Any]) -> str:
    """A layer in words, with all that changes what it computes."""
    if kind not in _TOLD:
        return kind
    return f"{kind}({', '.join(f'{key}={config.get(key)!r}' for key in _TOLD[kind])})"


def _called(layer: Layer) -> str:
    return str(layer["config"]["name"])


def _weights_of(stored: Any, layer: Layer, name: str) -> list[NDArray[np.float32]]:
    """The arrays of a layer in the order of its kind."""
    group = stored[_called(layer)]
    # Text or bytes: h5py follows the file.
    listed = [p if isinstance(p, str) else p.decode() for p in group.attrs["weight_names"]]
    paths = {path.rpartition("/")[2].partition(":")[0]: path for path in listed}
    expected = _WEIGHTS[layer["class_name"]]
    if set(paths) != set(expected):
        raise ContractError(
            f"{name}: layer {_called(layer)} has the weights {', '.join(sorted(paths))}, expected "
            f"{', '.join(expected)}"
        )
    return [np.asarray(group[paths[weight]], dtype=np.float32) for weight in expected]
