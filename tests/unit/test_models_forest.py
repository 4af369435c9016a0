import json

import numpy as np
import pytest
import xgboost

from models.forest import load_forest
from models.forest_pack import pack
from models.ubj import read_ubj
from udfs.errors import ContractError

NAMES = [f"f{i}" for i in range(12)]


def rows(rng, n):
    matrix = rng.normal(size=(n, len(NAMES))).astype(np.float32)
    matrix[rng.random(matrix.shape) < 0.15] = np.nan
    return matrix


def booster(rng, depth, names=NAMES, rounds=12, **parameters):
    matrix = rows(rng, 900)[:, : len(names)]
    # Missing values carry a signal: then some nodes send them to the left, others to the right.
    signal = np.nan_to_num(matrix[:, 0], nan=1.0) * np.nan_to_num(matrix[:, 1], nan=-2.0)
    target = signal + 0.5 * rng.normal(size=len(matrix)) > 0.8
    data = xgboost.DMatrix(matrix, label=target, feature_names=list(names))
    settings = {"objective": "binary:logistic", "max_depth": depth, "min_child_weight": 0.1,
                "nthread": 1, "seed": 1, **parameters}  # fmt: skip
    return xgboost.train(settings, data, num_boost_round=rounds)


def on_thresholds(rng, model, matrix):
    """Give a third of the values exactly the threshold of a node that reads their feature."""
    table = model.trees_to_dataframe()
    nodes = table[table["Feature"] != "Leaf"]
    for feature, split in zip(nodes["Feature"], nodes["Split"], strict=True):
        column = matrix[:, NAMES.index(feature)]
        column[rng.integers(len(column), size=len(column) // 300 + 1)] = np.float32(split)
    return matrix


# Up to 32 leaves a tree is one; deeper ones are several.
@pytest.mark.parametrize("depth", [1, 4, 5, 6, 9])
@pytest.mark.parametrize("n", [1, 64, 700])
def test_margins_are_those_of_xgboost_bit_for_bit(rng, depth, n):
    model = booster(rng, depth)
    matrix = on_thresholds(rng, model, rows(rng, n))
    forest = load_forest({"label": bytes(model.save_raw("ubj"))}, NAMES)
    data = xgboost.DMatrix(matrix, feature_names=NAMES)
    expected = model.predict(data, output_margin=True)
    np.testing.assert_array_equal(forest.margins(matrix)[:, 0], expected)
    # The exponential of numpy and that of the C library differ in the last bit.
    np.testing.assert_allclose(forest.predict(matrix)[:, 0], model.predict(data), rtol=3e-7)


def test_trees_grown_leaf_by_leaf(rng):
    model = booster(rng, 0, grow_policy="lossguide", max_leaves=150, tree_method="hist")
    matrix = rows(rng, 300)
    forest = load_forest({"label": bytes(model.save_raw("ubj"))}, NAMES)
    assert max(np.bincount(model.trees_to_dataframe().query("Feature == 'Leaf'")["Tree"])) > 64
    expected = model.predict(xgboost.DMatrix(matrix, feature_names=NAMES), output_margin=True)
    np.testing.assert_array_equal(forest.margins(matrix)[:, 0], expected)


def chain(turns):
    """A tree that cuts off one leaf after the other on the left."""
    inner = np.arange(2 * turns + 1) % 2 == 0
    inner[-1] = False
    number = np.arange(len(inner))
    return {
        "left_children": np.where(inner, number + 1, -1),
        "right_children": np.where(inner, number + 2, -1),
        "split_indices": np.zeros(len(inner)),
        "default_left": np.zeros(len(inner)),
        "split_conditions": np.where(inner, number / 2, number),
    }


def test_a_path_that_turns_right_too_often_is_refused():
    assert len(pack([chain(31)], np.zeros(1, np.int32)).starts) == 2
    with pytest.raises(ContractError, match="67 nodes turns right more than 31.*max_depth"):
        pack([chain(33)], np.zeros(1, np.int32))


def test_labels_with_features_of_their_own_in_one_pass(rng):
    models = {
        "few": booster(rng, 5, names=NAMES[:7], rounds=3),
        "all": booster(rng, 5, rounds=20),
        "cut": booster(rng, 5, rounds=20)[:4],
        "stump": booster(rng, 3, rounds=2, gamma=1e9),
    }
    forest = load_forest(
        {name: bytes(model.save_raw("ubj")) for name, model in models.items()}, NAMES[::-1]
    )
    assert forest.labels == tuple(models)
    matrix = rows(rng, 100)
    found = forest.margins(matrix[:, ::-1])
    for i, model in enumerate(models.values()):
        names = model.feature_names
        data = xgboost.DMatrix(matrix[:, : len(names)], feature_names=names)
        np.testing.assert_array_equal(found[:, i], model.predict(data, output_margin=True))


def test_a_label_that_is_almost_certain_overflows_to_zero_and_one(rng):
    model = booster(rng, 5, rounds=40, eta=30.0, **{"lambda": 0.0})
    matrix = rows(rng, 300)
    forest = load_forest({"label": bytes(model.save_raw("ubj"))}, NAMES)
    scores = forest.predict(matrix)[:, 0]
    expected = model.predict(xgboost.DMatrix(matrix, feature_names=NAMES))
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-30)
    assert scores.min() < 1e-30


def test_threads_share_the_rows(rng):
    content = {"label": bytes(booster(rng, 5).save_raw("ubj"))}
    matrix = rows(rng, 130)
    alone, threaded = load_forest(content, NAMES), load_forest(content, NAMES, threads=3)
    np.testing.assert_array_equal(threaded.predict(matrix), alone.predict(matrix))


def test_no_rows(rng):
    forest = load_forest({"label": bytes(booster(rng, 3).save_raw("ubj"))}, NAMES)
    assert forest.predict(np.empty((0, len(NAMES)), np.float32)).shape == (0, 1)


def test_what_is_no_binary_model_is_refused(rng):
    content = bytes(booster(rng, 3).save_raw("ubj"))
    with pytest.raises(ContractError, match="model rrab reads 12 features.*'f11'"):
        load_forest({"rrab": content}, NAMES[:11])
    with pytest.raises(ContractError, match="not a model in UBJ form"):
        load_forest({"rrab": content[: len(content) // 2]}, NAMES)
    with pytest.raises(ContractError, match="reg:squarederror"):
        squares = booster(rng, 3, objective="reg:squarederror")
        load_forest({"rrab": bytes(squares.save_raw("ubj"))}, NAMES)
    with pytest.raises(ContractError, match="3 trees per round"):
        forest = booster(rng, 3, num_parallel_tree=3)
        load_forest({"rrab": bytes(forest.save_raw("ubj"))}, NAMES)
    with pytest.raises(ContractError, match="not a model of XGBoost"):
        load_forest({"rrab": b"{}"}, NAMES)


def plain(value):
    if isinstance(value, dict):
        return {name: plain(v) for name, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def test_ubj_says_the_same_as_json(rng):
    model = booster(rng, 4, rounds=2)
    found = plain(read_ubj(bytes(model.save_raw("ubj"))))
    expected = json.loads(model.save_raw("json"))
    trees = [m["learner"]["gradient_booster"]["model"].pop("trees") for m in (found, expected)]
    assert found == expected
    for ours, theirs in zip(*trees, strict=True):
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            if isinstance(value, list):  # float32 in text and in binary
                np.testing.assert_allclose(ours[name], value, rtol=1e-6)
            else:
                assert ours[name] == value
