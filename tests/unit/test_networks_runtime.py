import numpy as np
import pytest

from models.networks.architecture import Architecture, build, ordered_variables, weight_shapes
from models.networks.runtime import Network
from models.networks.stored import to_bytes
from udfs.errors import ContractError

FAMILIES = [
    Architecture("scope", 61),
    Architecture("scope", 35, n_outputs=44, head_units=40),
    Architecture("acai", 25),
    Architecture("braai", 0),
]


def inputs(rng, architecture, n):
    features = rng.normal(size=(n, architecture.n_features)).astype(np.float32)
    image = rng.normal(size=(n, *architecture.image)).astype(np.float32)
    return (features if architecture.n_features else None), image


def weights(rng, architecture):
    """Such that the scores of random rows differ."""
    found = []
    for name, shape in weight_shapes(architecture):
        width = np.sqrt(3.0 / np.prod(shape[:-1])) if len(shape) > 1 else 0.2
        # The activations of so many layers are large.
        width *= 0.1 if architecture.family == "braai" and name == "output.kernel" else 1.0
        found.append(rng.normal(0.0, width, shape).astype(np.float32))
    return found


def network(rng, architecture, **settings):
    return Network.load(to_bytes(architecture, weights(rng, architecture)), **settings)


@pytest.mark.parametrize("architecture", FAMILIES, ids=lambda a: f"{a.family}-{a.n_outputs}")
def test_scores_are_those_of_keras(rng, architecture):
    pytest.importorskip("keras", reason="Keras is not installed (extra dnn)")
    values = weights(rng, architecture)
    features, image = inputs(rng, architecture, 21)
    model = build(architecture)
    for variable, value in zip(ordered_variables(model, architecture), values, strict=True):
        variable.assign(value)
    given = [image] if features is None else [features, image]
    expected = np.asarray(model(given, training=False))
    found = Network.load(to_bytes(architecture, values)).predict(features, image)
    assert found.dtype == np.float32 and np.ptp(found) > 0.01
    # Both sum in single precision, in different orders: up to 288 terms a pixel.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def slowly(architecture, values, features, image):
    """The network in double precision, as plain as can be."""
    named = {n: v.astype(float) for (n, _), v in zip(weight_shapes(architecture), values,
                                                     strict=True)}  # fmt: skip
    own, x = architecture.branches, image.astype(float)
    for layer in range(4):
        name = f"conv_{layer + 1}"
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
        if own.separable:
            x = np.einsum("nyxcij,ijc->nyxc", windows, named[f"{name}.depthwise"][..., 0])
            x = x @ named[f"{name}.pointwise"][0, 0]
        else:
            x = np.einsum("nyxcij,ijcf->nyxf", windows, named[f"{name}.kernel"])
        x = np.maximum(x + named[f"{name}.bias"], 0)
        pool = own.pools[layer // 2] if layer % 2 else 1
        side = x.shape[1] // pool
        x = x[:, : side * pool, : side * pool].reshape(len(x), side, pool, side, pool, -1)
        x = x.max(axis=(2, 4))
    x = x.reshape(len(x), -1) if own.flatten else x.mean(axis=(1, 2))
    if features is not None:
        y = features.astype(float)
        for i in range(len(own.feature_units)):
            layer = f"features_{i + 1}"
            y = np.maximum(y @ named[f"{layer}.kernel"] + named[f"{layer}.bias"], 0)
        x = np.concatenate([y, x], axis=1)
    x = np.maximum(x @ named["head.kernel"] + named["head.bias"], 0)
    return 1 / (1 + np.exp(-(x @ named["output.kernel"] + named["output.bias"])))


@pytest.mark.parametrize("architecture", FAMILIES, ids=lambda a: f"{a.family}-{a.n_outputs}")
def test_scores_are_those_of_the_formula(rng, architecture):
    values = weights(rng, architecture)
    features, image = inputs(rng, architecture, 5)
    found = Network.load(to_bytes(architecture, values)).predict(features, image)
    expected = slowly(architecture, values, features, image)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("architecture", FAMILIES[1:], ids=lambda a: a.family)
def test_a_row_scores_the_same_alone_and_in_company(rng, architecture):
    features, image = inputs(rng, architecture, 19)
    values = to_bytes(architecture, weights(rng, architecture))
    together = Network.load(values).predict(features, image)
    threaded = Network.load(values, threads=3).predict(features, image)
    np.testing.assert_array_equal(threaded, together)
    alone = Network.load(values)
    for i in range(len(image)):
        one = None if features is None else features[i : i + 1]
        np.testing.assert_array_equal(alone.predict(one, image[i : i + 1]), together[i : i + 1])


@pytest.mark.parametrize("architecture", FAMILIES, ids=lambda a: f"{a.family}-{a.n_outputs}")
def test_nan_in_an_image_is_nan_in_the_score_of_that_row_alone(rng, architecture):
    features, image = inputs(rng, architecture, 6)
    clean = image.copy()
    image[2, 11, 12, 0] = np.nan
    model = network(rng, architecture)
    found = model.predict(features, image)
    assert np.isnan(found[2]).all()
    others = [0, 1, 3, 4, 5]
    np.testing.assert_array_equal(found[others], model.predict(features, clean)[others])


def test_no_rows(rng):
    model = network(rng, FAMILIES[0])
    assert model.predict(*inputs(rng, FAMILIES[0], 0)).shape == (0, 1)


def test_inputs_of_another_shape_are_refused(rng):
    model = network(rng, FAMILIES[0])
    features, image = inputs(rng, FAMILIES[0], 4)
    with pytest.raises(ContractError, match=r"images have shape \(4, 25, 26, 1\).*\(n, 26, 26, 1"):
        model.predict(features, image[:, :25])
    with pytest.raises(ContractError, match=r"features have shape \(4, 60\).*\(4, 61\)"):
        model.predict(features[:, :60], image)
    with pytest.raises(ContractError, match=r"features have shape None"):
        model.predict(None, image)
