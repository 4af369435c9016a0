"""The published scores, from the packets to the networks."""

import numpy as np
import pandas as pd
import pytest

from jobs.common.config import CONF
from models.acai.inputs import ACAI_2020, FIXED, fit_inputs, network_inputs
from models.acai.published import import_network, read_published
from models.acai.scorer import AlertScorer
from models.networks.architecture import ACAI, Architecture, weight_shapes
from models.networks.stored import to_bytes
from models.store import ModelSet
from udfs.alerts.metadata import FEATURES, feature_matrix
from udfs.alerts.ztf import candids, read_alerts
from udfs.errors import ContractError

# Single precision, other libraries.
TOLERANCE = 1e-4
CLASSES = ("acai_h", "acai_n", "acai_v", "acai_o", "acai_b")


def model_set(algorithm, contents, *, features=FEATURES, scaler=None):
    labels = {name: {"kind": "k", "file": f"{name}.npz", "output": 0} for name in contents}
    manifest = {"labels": labels, "features": {"k": list(features)}}
    files = {f"{name}.npz": content for name, content in contents.items()}
    return ModelSet(algorithm, "v1", manifest, files, None, scaler)


@pytest.fixture(scope="module")
def scorer(data_dir):
    contents = {
        network.label: import_network(
            (data_dir / "acai_oracle" / "models" / network.file).read_bytes(), network
        )
        for network in read_published(CONF / "alert_networks.toml")
    }
    braai = {"braai": contents.pop("braai")}
    return AlertScorer([model_set("acai", contents), model_set("braai", braai, features=())])


@pytest.mark.data
def test_all_alerts_with_reference_scores(data_dir, scorer):
    files = sorted((data_dir / "ztf_alerts").glob("packets_*/*.avro"))
    packets, images, problems = read_alerts([f.read_bytes() for f in files])
    assert problems == [None] * len(files)
    features = feature_matrix({n: packets.numbers[f"candidate.{n}"] for n in FEATURES})
    scores = scorer.score(features, images)
    reference = pd.read_parquet(data_dir / "ztf_alerts" / "reference_scores.parquet")
    expected = reference.set_index("candid").loc[candids(packets)[0]]
    # Null stays null: four alerts have no drb.
    assert int(np.isnan(scores["acai_h"]).sum()) == int(expected["acai_h"].isna().sum()) == 4
    for name in CLASSES:
        np.testing.assert_allclose(scores[name], expected[name], rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(scores["braai"], expected["braai_d6_m9"], rtol=0, atol=TOLERANCE)
    # The alerts tell the networks apart.
    assert (expected[list(CLASSES)] > 0.5).sum().min() > 20


@pytest.mark.data
def test_production_scores_of_the_published_alerts(data_dir, scorer):
    oracle = data_dir / "acai_oracle"
    candidates = pd.read_csv(oracle / "btsbot_candidates.csv")
    features = feature_matrix({n: candidates[n].to_numpy(float) for n in FEATURES})
    scores = scorer.score(features, np.load(oracle / "btsbot_triplets_f32.npy"))
    assert len(candidates) == 39
    for name in CLASSES:
        np.testing.assert_allclose(scores[name], candidates[name], rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(scores["braai"], candidates["new_drb"], rtol=0, atol=TOLERANCE)


def made_up(seed, mode):
    rng = np.random.default_rng(seed)
    architecture = Architecture(ACAI, 25)
    weights = [rng.normal(0, 0.3, shape) for _, shape in weight_shapes(architecture)]
    features = rng.normal(50, 20, (40, 25)).astype(np.float32)
    scaler = fit_inputs(features, mode)
    return model_set("acai", {"acai_h": to_bytes(architecture, weights)}, scaler=scaler), features


@pytest.fixture
def images(rng):
    return rng.normal(0, 0.02, (40, 63, 63, 3)).astype(np.float32)


@pytest.mark.parametrize("mode", [ACAI_2020, FIXED])
def test_an_alert_without_a_feature_or_a_stamp_has_no_score_and_moves_no_other(mode, images):
    made, features = made_up(1, mode)
    scorer = AlertScorer([made])
    whole = scorer.score(features, images)["acai_h"]
    assert np.isfinite(whole).all() and len(np.unique(whole)) > 10
    spoiled, dark = features.copy(), images.copy()
    spoiled[3, 7] = np.nan
    dark[5] = 0
    found = scorer.score(spoiled, dark)["acai_h"]
    assert np.flatnonzero(np.isnan(found)).tolist() == [3, 5]
    rest = np.setdiff1d(np.arange(40), [3, 5])
    np.testing.assert_array_equal(found[rest], whole[rest])
    assert scorer.score(features[:0], images[:0])["acai_h"].shape == (0,)
    assert scorer.model_version == "acai-v1"


def test_standardised_features():
    _, features = made_up(2, FIXED)
    features[::4, 13] = -999.0
    features[:, 20] = 4.0
    scaler = fit_inputs(features, FIXED)
    inputs = network_inputs(features, scaler)
    assert inputs.dtype == np.float32 and np.isfinite(inputs).all()
    np.testing.assert_allclose(np.median(inputs[:, 0]), 0, atol=1e-6)
    np.testing.assert_allclose(inputs[:, 0].std(), 1, rtol=1e-5)
    # A sentinel is no measurement: it sits at the median and does not widen the scale.
    assert (inputs[::4, 13] == 0).all()
    assert 0.8 < inputs[np.arange(40) % 4 != 0, 13].std() < 1.2
    far = features.copy()
    far[0, 0] = 1e30
    assert network_inputs(far, scaler)[0, 0] == 10
    assert fit_inputs(features, ACAI_2020) is None
    np.testing.assert_array_equal(network_inputs(features, None), features)


def test_other_features_or_modes_are_refused():
    made, features = made_up(3, ACAI_2020)
    made.manifest["features"]["k"] = list(reversed(FEATURES))
    with pytest.raises(ContractError, match="acai_h of acai-v1 reads 25 features in another order"):
        AlertScorer([made])
    with pytest.raises(ContractError, match="mode 'raw': expected one of acai-2020, fixed"):
        fit_inputs(features, "raw")
