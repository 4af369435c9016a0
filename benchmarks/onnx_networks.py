"""A stored network as a graph for ONNX Runtime, to compare with.

Needs ``pip install onnxruntime onnx==1.17.0``: later releases of onnx need a protobuf that
TensorFlow 2.18 does not work with.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.networks.architecture import Architecture, weight_shapes


def session(
    architecture: Architecture, weights: Sequence[NDArray[Any]], given: Sequence[NDArray[Any]]
) -> Callable[[], NDArray[np.float32]]:
    """Scoring ``given`` (features, if it has any, and image) on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    graph = _Graph(architecture, weights).model()
    run = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"]).run
    inputs = dict(zip(("image", "features"), reversed(given), strict=False))
    return lambda: run(None, inputs)[0]


class _Graph:
    def __init__(self, architecture: Architecture, weights: Sequence[NDArray[Any]]) -> None:
        self._of = architecture
        names = [name for name, _ in weight_shapes(architecture)]
        self._weights = dict(zip(names, weights, strict=True))
        self._nodes: list[Any] = []
        self._stored: list[Any] = []

    def model(self) -> bytes:
        joined = self._image_branch()
        inputs = [self._value("image", *self._of.image)]
        if self._of.n_features:
            inputs.append(self._value("features", self._of.n_features))
            branch = "features"
            for i in range(len(self._of.branches.feature_units)):
                branch = self._dense(branch, f"features_{i + 1}", "Relu")
            joined = self._add("Concat", [branch, joined], axis=1)
        output = self._dense(self._dense(joined, "head", "Relu"), "output", "Sigmoid")
        outputs = [self._value(output, self._of.n_outputs)]
        graph = helper.make_graph(self._nodes, "network", inputs, outputs, self._stored)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        content: bytes = model.SerializeToString()
        return content

    def _image_branch(self) -> str:
        own, at, channels = self._of.branches, "image", self._of.image[2]
        at = self._add("Transpose", [at], perm=[0, 3, 1, 2])
        for layer in range(4):
            name = f"conv_{layer + 1}"
            if own.separable:
                kernel = self._weight(f"{name}.depthwise", (2, 3, 0, 1))
                at = self._add("Conv", [at, kernel], group=channels)
                kernel = self._weight(f"{name}.pointwise", (3, 2, 0, 1))
            else:
                kernel = self._weight(f"{name}.kernel", (3, 2, 0, 1))
            at = self._add("Conv", [at, kernel, self._weight(f"{name}.bias", (0,))])
            at = self._add("Relu", [at])
            channels = len(self._weights[f"{name}.bias"])
            pool = own.pools[layer // 2]
            if layer % 2 and pool > 1:
                at = self._add("MaxPool", [at], kernel_shape=[pool] * 2, strides=[pool] * 2)
        if own.flatten:
            at = self._add("Transpose", [at], perm=[0, 2, 3, 1])
        else:
            at = self._add("GlobalAveragePool", [at])
        return self._add("Flatten", [at])

    def _dense(self, at: str, name: str, activation: str) -> str:
        kernel, bias = self._weight(f"{name}.kernel", (0, 1)), self._weight(f"{name}.bias", (0,))
        return self._add(activation, [self._add("Gemm", [at, kernel, bias])])

    def _weight(self, name: str, order: tuple[int, ...]) -> str:
        values = np.ascontiguousarray(self._weights[name].transpose(order))
        self._stored.append(numpy_helper.from_array(values, name))
        return name

    def _add(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        name = f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    @staticmethod
    def _value(name: str, *shape: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])
