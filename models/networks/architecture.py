"""The networks of SCoPe, ACAI and braai, as data, and their Keras models."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from udfs.errors import ContractError

if TYPE_CHECKING:
    import keras

SCOPE, ACAI, BRAAI = "scope", "acai", "braai"


@dataclass(frozen=True)
class Branches:
    """The numbers in which the networks differ.

    A network folds an image through pairs of 3 x 3 convolutions, passes the features through
    dense layers, joins the two and ends in one sigmoid per label.

    Attributes
    ----------
    image
        Height, width and channels.
    separable
        Depthwise 3 x 3, then pointwise, instead of full convolutions.
    pools
        Side of the maximum pooling after each pair of convolutions; 1 for none.
    pool_first
        Pooling before the dropout of its block; only the order of the layers, not the result.
    flatten
        All pixels at the end of the image branch instead of their mean per channel.
    feature_units
        Dense layers of the features; empty for a network of images only.
    head_units
        Dense layer after the join.
    dropouts
        Shares dropped after the blocks of the image, after the first dense layer of the features,
        and before and after the dense layer of the head.
    """

    image: tuple[int, int, int]
    separable: bool
    pools: tuple[int, int]
    pool_first: bool
    flatten: bool
    feature_units: tuple[int, ...]
    head_units: int
    dropouts: tuple[float, float, float, float]


_FAMILIES = {
    SCOPE: Branches((26, 26, 1), True, (2, 1), False, False, (256, 32), 16,
                    (0.25, 0.25, 0.4, 0.0)),
    ACAI: Branches((63, 63, 3), True, (2, 2), True, False, (64, 32), 16,
                   (0.25, 0.25, 0.0, 0.0)),
    BRAAI: Branches((63, 63, 3), False, (2, 4), True, True, (), 256,
                    (0.25, 0.0, 0.0, 0.5)),
}  # fmt: skip
_FILTERS = (16, 32)


@dataclass(frozen=True)
class Architecture:
    """One network.

    Attributes
    ----------
    family : {"scope", "acai", "braai"}
        Layers of SCoPe (Healy et al. 2024), ACAI (Duev and van der Walt 2021) or braai (Duev et
        al. 2019).
    n_features
        Length of the feature vector; 0 for braai.
    n_outputs
        Labels, each with a sigmoid of its own: the branches are shared by all.
    head_units
        Units before the outputs; 0 for the family's own.
    dropout
        Factor on the family's shares; 0 switches them off.
    members
        Networks of this kind that answer together, by the mean of their logits: trained from
        different weights, they err in different places.
    """

    family: str
    n_features: int
    n_outputs: int = 1
    head_units: int = 0
    dropout: float = 1.0
    members: int = 1

    def __post_init__(self) -> None:
        if self.family not in _FAMILIES:
            raise ContractError(
                f"there is no network {self.family!r}; expected one of {', '.join(_FAMILIES)}"
            )
        if bool(self.branches.feature_units) != (self.n_features > 0) or self.n_outputs < 1:
            raise ContractError(
                f"a network of family {self.family} with {self.n_features} features and "
                f"{self.n_outputs} outputs cannot be built"
            )

    @property
    def branches(self) -> Branches:
        """The numbers of its family."""
        return _FAMILIES[self.family]

    @property
    def image(self) -> tuple[int, int, int]:
        """Height, width and channels of the image."""
        return self.branches.image

    @property
    def head(self) -> int:
        """Units before the outputs."""
        return self.head_units or self.branches.head_units


def weight_shapes(architecture: Architecture) -> list[tuple[str, tuple[int, ...]]]:
    """Name and shape of each array of weights, in the order in which they are stored.

    First the image branch, then the features, the head and the output: an order that does not
    hang on Keras, which sorts the layers by their depth in the graph. Member after member.
    """
    own = architecture.branches
    image: list[tuple[str, tuple[int, ...]]] = []
    channels = own.image[2]
    for block, filters in enumerate(_FILTERS):
        for layer in range(2):
            name = f"conv_{2 * block + layer + 1}"
            if own.separable:
                image.append((f"{name}.depthwise", (3, 3, channels, 1)))
                image.append((f"{name}.pointwise", (1, 1, channels, filters)))
            else:
                image.append((f"{name}.kernel", (3, 3, channels, filters)))
            image.append((f"{name}.bias", (filters,)))
            channels = filters
    features = []
    width = architecture.n_features
    for i, units in enumerate(own.feature_units):
        features += _dense_shapes(f"features_{i + 1}", width, units)
        width = units
    side = _side_after(own)
    joined = (channels * side * side if own.flatten else channels) + (width if features else 0)
    head = _dense_shapes("head", joined, architecture.head)
    output = _dense_shapes("output", architecture.head, architecture.n_outputs)
    return (image + features + head + output) * architecture.members


def _dense_shapes(name: str, width: int, units: int) -> list[tuple[str, tuple[int, ...]]]:
    return [(f"{name}.kernel", (width, units)), (f"{name}.bias", (units,))]


def _side_after(own: Branches) -> int:
    side = own.image[0]
    for pool in own.pools:
        side = (side - 4) // pool
    return side


def build(architecture: Architecture, *, seed: int = 0) -> "keras.Model":
    """The Keras model of one member, with Glorot-uniform weights drawn from ``seed``.

    Its inputs are ``[features (n, n_features), image (n, h, w, c)]`` (the image alone for braai),
    its output ``(n, n_outputs)`` probabilities, all float32.
    """
    import keras

    keras.utils.set_random_seed(seed)
    own = architecture.branches
    after_image, after_features, before_head, after_head = (
        share * architecture.dropout for share in own.dropouts
    )
    image = keras.Input(own.image, name="image")
    x = image
    for block, (filters, pool) in enumerate(zip(_FILTERS, own.pools, strict=True)):
        for layer in range(2):
            convolution = keras.layers.SeparableConv2D if own.separable else keras.layers.Conv2D
            name = f"conv_{2 * block + layer + 1}"
            x = convolution(filters, 3, activation="relu", name=name)(x)
        steps: list[Any] = [keras.layers.Dropout(after_image)]
        if pool > 1:
            steps.insert(0 if own.pool_first else 1, keras.layers.MaxPooling2D(pool))
        for step in steps:
            x = step(x)
    x = keras.layers.Flatten()(x) if own.flatten else keras.layers.GlobalAveragePooling2D()(x)
    inputs = [image]
    if own.feature_units:
        features = keras.Input((architecture.n_features,), name="features")
        y = features
        for i, units in enumerate(own.feature_units):
            y = keras.layers.Dense(units, activation="relu", name=f"features_{i + 1}")(y)
            if i == 0:
                y = keras.layers.Dropout(after_features)(y)
        x = keras.layers.Concatenate()([y, x])
        inputs = [features, image]
    x = keras.layers.Dropout(before_head)(x)
    x = keras.layers.Dense(architecture.head, activation="relu", name="head")(x)
    x = keras.layers.Dropout(after_head)(x)
    output = keras.layers.Dense(architecture.n_outputs, activation="sigmoid", name="output")(x)
    return keras.Model(inputs, output, name=architecture.family)


def ordered_variables(model: "keras.Model", architecture: Architecture) -> list[Any]:
    """The variables of one member's model in the order of ``weight_shapes``."""
    layers: dict[str, list[Any]] = {}
    for name, _ in weight_shapes(replace(architecture, members=1)):
        layer = name.split(".")[0]
        layers.setdefault(layer, model.get_layer(layer).weights)
    return [variable for variables in layers.values() for variable in variables]
