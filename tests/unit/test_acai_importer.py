import io
import json

import h5py
import numpy as np
import pytest

from jobs.common.config import CONF
from models.acai.importer import read_keras2
from models.acai.published import Published, example, import_network, read_published
from models.networks.architecture import ACAI, BRAAI, Architecture, weight_shapes
from models.networks.stored import from_bytes
from udfs.errors import ContractError

CONVOLUTION = {
    "kernel_size": [3, 3], "strides": [1, 1], "padding": "valid", "dilation_rate": [1, 1],
    "depth_multiplier": 1, "data_format": "channels_last", "activation": "relu", "use_bias": True,
}  # fmt: skip
LAST = {"data_format": "channels_last"}


def pooling(side):
    return (
        "MaxPooling2D",
        {"pool_size": [side] * 2, "strides": [side] * 2, "padding": "valid", **LAST},
    )


def convolution(kind, filters):
    return (kind, {**CONVOLUTION, "filters": filters})


def dense(units, activation="relu"):
    return ("Dense", {"units": units, "activation": activation, "use_bias": True})


def acai_layers():
    """Name -> class, configuration and the layers before it, as Keras 2 writes a graph."""
    separable = "SeparableConv2D"
    return {
        "triplets": ("InputLayer", {}, []),
        "c1": (*convolution(separable, 16), ["triplets"]),
        "c2": (*convolution(separable, 16), ["c1"]),
        "p1": (*pooling(2), ["c2"]),
        "d1": ("Dropout", {"rate": 0.25}, ["p1"]),
        "features": ("InputLayer", {}, []),
        "c3": (*convolution(separable, 32), ["d1"]),
        "c4": (*convolution(separable, 32), ["c3"]),
        "f1": (*dense(64), ["features"]),
        "p2": (*pooling(2), ["c4"]),
        "f2": (*dense(32), ["f1"]),
        "mean": ("GlobalAveragePooling2D", dict(LAST), ["p2"]),
        "join": ("Concatenate", {"axis": -1}, ["f2", "mean"]),
        "head": (*dense(16), ["join"]),
        "score": (*dense(1, "sigmoid"), ["head"]),
    }


def braai_layers():
    kinds = [convolution("Conv2D", 16), convolution("Conv2D", 16), pooling(2),
             ("Dropout", {"rate": 0.25}), convolution("Conv2D", 32), convolution("Conv2D", 32),
             pooling(4), ("Flatten", dict(LAST)), dense(256), ("Dropout", {"rate": 0.5}),
             dense(1, "sigmoid")]  # fmt: skip
    return {f"l{i}": (*kind, None) for i, kind in enumerate(kinds)}


def weights_of(architecture):
    rng = np.random.default_rng(7)
    return [
        rng.normal(0, 0.1, shape).astype(np.float32) for _, shape in weight_shapes(architecture)
    ]


def keras2_file(layers, arrays):
    """An HDF5 file as Keras 2 writes it; the arrays in the order image, features, head."""
    order = [n for n in layers if n not in ("f1", "f2")]
    if "f1" in layers:
        order[order.index("join") : order.index("join")] = ["f1", "f2"]
    names = {"SeparableConv2D": ["depthwise_kernel", "pointwise_kernel", "bias"],
             "Conv2D": ["kernel", "bias"], "Dense": ["kernel", "bias"]}  # fmt: skip
    remaining = iter(arrays)
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as stored:
        told = []
        for name, (kind, config, inbound) in layers.items():
            layer = {"class_name": kind, "config": {"name": name, **config}}
            if inbound is not None:
                layer["inbound_nodes"] = [[[n, 0, 0, {}] for n in inbound]] if inbound else []
            told.append(layer)
        config = {"layers": told}
        sequential = "join" not in layers
        if not sequential:
            config["output_layers"] = [["score", 0, 0]]
        model = {"class_name": "Sequential" if sequential else "Model", "config": config}
        stored.attrs["model_config"] = json.dumps(model)
        for name in order:
            group = stored.create_group(f"model_weights/{name}")
            paths = [f"{name}_1/{w}:0" for w in names.get(layers[name][0], [])]
            group.attrs["weight_names"] = [path.encode() for path in paths]
            for path in paths:
                group[path] = next(remaining)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("architecture", "layers"),
    [(Architecture(ACAI, 25), acai_layers()), (Architecture(BRAAI, 0), braai_layers())],
)
def test_weights_come_in_our_order(architecture, layers):
    expected = weights_of(architecture)
    found, weights = read_keras2(keras2_file(layers, expected), name="x.h5")
    assert found == architecture
    for ours, theirs in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def with_layer(name, kind=None, **config):
    layers = acai_layers()
    old_kind, old, inbound = layers[name]
    return layers | {name: (kind or old_kind, old | config, inbound)}


OTHERS = {
    "layer c2 is SeparableConv2D.*activation='tanh'": with_layer("c2", activation="tanh"),
    "layer c3 is SeparableConv2D.filters=64": with_layer("c3", filters=64),
    "layer c1 .*padding='same'": with_layer("c1", padding="same"),
    "layer p2 is AveragePooling2D; expected MaxPooling2D": with_layer("p2", "AveragePooling2D"),
    "layer mean is GlobalMaxPooling2D; expected Global": with_layer("mean", "GlobalMaxPooling2D"),
    "layer f1 is Dense.units=128": with_layer("f1", units=128),
    "layer score is Dense.*activation='softmax'": with_layer("score", activation="softmax"),
    "layer join joins the branches, expected a Concatenate": with_layer("join", "Add"),
    "layer f1 is BatchNormalization": with_layer("f1", "BatchNormalization"),
}


@pytest.mark.parametrize("message", OTHERS)
def test_another_network_is_refused_by_its_first_other_layer(message):
    content = keras2_file(OTHERS[message], weights_of(Architecture(ACAI, 25)))
    with pytest.raises(ContractError, match=f"x.h5: {message}"):
        read_keras2(content, name="x.h5")


def test_branches_joined_the_other_way_round_are_refused():
    layers = acai_layers()
    kind, config, _ = layers["join"]
    swapped = layers | {"join": (kind, config, ["mean", "f2"])}
    with pytest.raises(ContractError, match="layer f1 is Dense"):
        read_keras2(keras2_file(swapped, weights_of(Architecture(ACAI, 25))), name="x.h5")


def test_damaged_files_are_refused():
    arrays = weights_of(Architecture(ACAI, 25))
    good = keras2_file(acai_layers(), arrays)
    nan = [arrays[0] * np.nan, *arrays[1:]]
    cut = [arrays[0], arrays[1][..., :5], *arrays[2:]]
    for content, message in [
        (b"", "not a whole HDF5 file"), (good[: len(good) // 2], "not a whole HDF5 file"),
        (b"\x89HDF" + good[4:200], "not a whole HDF5 file"),
        (keras2_file(acai_layers(), nan), "weights conv_1.depthwise: .* not finite"),
        (keras2_file(acai_layers(), cut), "weights conv_1.pointwise: shape .*expected"),
    ]:  # fmt: skip
        with pytest.raises(ContractError, match=f"x.h5: {message}"):
            read_keras2(content, name="x.h5")


def test_a_file_without_the_published_checksum_is_refused():
    content = keras2_file(braai_layers(), weights_of(Architecture(BRAAI, 0)))
    published = Published("braai", "braai", "braai.h5", "ab" * 32, 0.5)
    with pytest.raises(ContractError, match="braai.h5 is not the published file"):
        import_network(content, published)


@pytest.mark.data
def test_the_published_networks_are_what_they_should_be(data_dir):
    published = read_published(CONF / "alert_networks.toml")
    assert [network.label for network in published] == [
        "acai_h", "acai_n", "acai_v", "acai_o", "acai_b", "braai",
    ]  # fmt: skip
    for network in published:
        content = (data_dir / "acai_oracle" / "models" / network.file).read_bytes()
        architecture, _ = from_bytes(import_network(content, network))
        assert architecture.family == network.algorithm
        other = Published(**{**vars(network), "example_score": network.example_score + 0.01})
        with pytest.raises(ContractError, match="does not compute what it should"):
            import_network(content, other)


def test_a_typo_in_the_table_is_named(tmp_path):
    path = tmp_path / "networks.toml"
    path.write_text('[x]\nalgorithm = "acai"\nfiles = "x.h5"\nsha256 = ""\nexample_score = 0.5\n')
    with pytest.raises(ContractError, match="unknown key 'files'; did you mean 'file'"):
        read_published(path)


def test_the_example_is_a_normalised_triplet():
    features, images = example()
    assert features.shape == (1, 25) and images.shape == (1, 63, 63, 3)
    np.testing.assert_allclose(np.sqrt((images.astype(float) ** 2).sum(axis=(1, 2))), 1, rtol=1e-6)
