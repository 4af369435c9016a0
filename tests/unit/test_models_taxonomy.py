from pathlib import Path

import numpy as np
import pytest

from models.class_map import parse_class_map, read_class_map
from models.feature_sets import parse_feature_sets, read_feature_sets
from models.taxonomy import parse_taxonomy, read_taxonomy
from udfs.errors import ContractError
from udfs.schemas import EVEN_HARMONICS, FEATURES

CONF = Path(__file__).resolve().parents[2] / "conf"

TREE = """
[top]
name = "top"
column = "top"
kind = "ontological"
trained = true
[left]
name = "left"
column = "left"
kind = "ontological"
parent = "top"
trained = true
[leaf]
name = "leaf"
column = "leaf"
kind = "ontological"
parent = "left"
trained = true
[right]
name = "right"
column = "right"
kind = "ontological"
parent = "top"
trained = false
[nottop]
name = "not top"
column = "nottop"
kind = "ontological"
trained = false
derived = "1 - top"
"""


@pytest.fixture(scope="module")
def taxonomy():
    return read_taxonomy(CONF / "labels.toml")


def test_labels_are_those_of_the_published_catalogue(taxonomy):
    phenomenological = (
        "vnv pnp sin el saw mp longt e ea eb ew wp hp dp i fla dip bogus ext blend bright artfct"
    ).split()
    ontological = (
        "agn bis blher blyr cbin ceph ceph2 cv dscu emsms f hwvir lpv mir nnser o osarg puls "
        "rdbkp rrlyr rrab rrc rrd rrblz rscvn rvtau srv wuma wvir yso"
    ).split()
    untrained = "artfct cbin f hwvir nnser o rdbkp rvtau".split()
    assert set(taxonomy.scored) == {*phenomenological, *ontological}
    assert {n for n in phenomenological if taxonomy.label(n).kind != "phenomenological"} == set()
    assert {n for n in ontological if taxonomy.label(n).kind != "ontological"} == set()
    assert {n for n in taxonomy.scored if not taxonomy.label(n).trained} == set(untrained)
    assert sum(label.trained for label in taxonomy.labels) == 44


@pytest.mark.parametrize(
    ("label", "above"),
    [
        ("el", ("sin", "pnp", "vnv")),
        ("hp", ("wp", "pnp", "vnv")),
        ("dip", ("i", "vnv")),
        ("blend", ("bogus", "nonvar")),
        ("nnser", ("cbin", "bis")),
        ("rrd", ("rrlyr", "puls")),
        ("wvir", ("ceph2", "puls")),
        ("agn", ()),
    ],
)
def test_trees_are_those_of_the_paper(taxonomy, label, above):
    assert taxonomy.ancestors(label) == above


def test_upstream_labels_take_the_highest_probability_below():
    tree = parse_taxonomy(TREE, source="tree.toml")
    assert tree.fill_upstream({"leaf": 0.5, "right": 0.75, "left": 0.25}) == {
        "leaf": 0.5, "right": 0.75, "left": 0.5, "top": 0.75,
    }  # fmt: skip


def test_absence_of_a_leaf_says_nothing_on_its_ancestors():
    tree = parse_taxonomy(TREE, source="tree.toml")
    assert tree.fill_upstream({"leaf": 0.0}) == {"leaf": 0.0}


def test_columns_are_filled_like_single_stars(taxonomy):
    rng = np.random.default_rng(1)
    table = rng.choice([np.nan, 0, 0.25, 0.5, 0.75, 1], size=(60, len(taxonomy.names)))
    table[rng.random(table.shape) < 0.8] = np.nan
    filled = taxonomy.fill_upstream_columns(table.astype(np.float32))
    for before, after in zip(table, filled, strict=True):
        given = {n: p for n, p in zip(taxonomy.names, before, strict=True) if p == p}
        expected = taxonomy.fill_upstream(given)
        found = {n: float(p) for n, p in zip(taxonomy.names, after, strict=True) if p == p}
        assert found == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('parent = "left"', 'parent = "lfet"'), "parent 'lfet' is not a label; did you mean"),
        (('parent = "left"', 'parnt = "left"'), "unknown key 'parnt'; did you mean 'parent'"),
        (('[top]\nname = "top"', '[top]\nparent = "leaf"\nname = "top"'), "circle"),
        (('derived = "1 - top"', 'derived = "2 - top"'), "derived is '2 - top'"),
        (('column = "leaf"\n', ""), "key 'column' is missing"),
    ],
)
def test_errors_in_the_tree_are_named(change, message):
    with pytest.raises(ContractError, match=message):
        parse_taxonomy(TREE.replace(*change), source="tree.toml")


def test_unknown_label_is_answered_with_the_nearest(taxonomy):
    with pytest.raises(ContractError, match="'rrabb' is not in labels.toml; did you mean 'rrab'"):
        taxonomy.label("rrabb")


def test_features_are_35_and_61_columns_of_the_table():
    sets = read_feature_sets(CONF / "features.toml")
    assert (len(sets.phenomenological), len(sets.ontological)) == (35, 61)
    assert set(sets.ontological) <= set(FEATURES.schema.names)
    assert sets.ontological[:35] == sets.phenomenological
    kinds = [sets.filling[name] for name in sets.ontological]
    assert [kinds.count(k) for k in ("zero", "median", "regress", "required")] == [2, 9, 13, 37]
    excluded = {"n", "ra", "dec", "AllWISE__w3sigmpro", "pdot_ELS_ECE_EAOV"}
    assert not excluded & set(sets.ontological)


def test_filling_of_an_unknown_feature_is_refused():
    text = (CONF / "features.toml").read_text().replace('zero = ["n_ztf', 'zero = ["n_zft')
    with pytest.raises(ContractError, match="did you mean 'n_ztf_alerts'"):
        parse_feature_sets(text, source="features.toml")


@pytest.mark.parametrize("path", sorted((CONF / "labels").glob("*.toml")), ids=lambda p: p.stem)
def test_class_maps_contradict_neither_themselves_nor_the_trees(path, taxonomy):
    mapped = read_class_map(path, taxonomy)
    for name in mapped.classes:
        labels = mapped.of_class(name, taxonomy)
        filled = taxonomy.fill_upstream(labels)
        for label, probability in labels.items():
            # A star that certainly has a label cannot lack what stands above it.
            if probability > 0.7:
                assert all(labels.get(a, 1.0) > 0 for a in taxonomy.ancestors(label)), name
        assert all(p <= filled[a] for n, p in filled.items() for a in taxonomy.ancestors(n)
                   if p > 0)  # fmt: skip


@pytest.mark.data
def test_classes_of_the_real_catalogues_are_all_mapped(taxonomy, data_dir):
    import pandas as pd

    columns = {"crts_csdr1": "class", "asas_v": "class", "eros1_lmc": "class",
               "sdss_s82_rrl": "class", "ztf_irsa_eclipsing": "type"}  # fmt: skip
    for name, column in columns.items():
        mapped = read_class_map(CONF / "labels" / f"{name}.toml", taxonomy)
        objects = pd.read_parquet(data_dir / name / "objects.parquet")
        assert set(objects[column].dropna()) <= set(mapped.classes), name


def test_decided_labels_become_zero_unless_implied_or_open(taxonomy):
    mapped = parse_class_map(
        """
        origin = "x"
        decides = ["e", "ea", "rrlyr", "rrab", "puls"]
        [classes]
        A = { ea = 1 }
        B = { rrlyr = 0.75 }
        [unknown]
        B = ["rrab"]
        """,
        taxonomy,
        source="x.toml",
    )
    assert mapped.of_class("A", taxonomy) == {"ea": 1, "rrlyr": 0, "rrab": 0, "puls": 0}
    assert mapped.of_class("B", taxonomy) == {"rrlyr": 0.75, "e": 0, "ea": 0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('origin = "x"\ndecides = []\n[classes]\nA = {rrabb = 1}', "did you mean 'rrab'"),
        ('origin = "x"\ndecides = []\n[classes]\nA = {rrab = 0.6}', "probability of rrab is 0.6"),
        ('origin = "x"\ndecides = ["eaa"]', "x.toml decides: label 'eaa' is not in"),
        ('origin = "x"\ndecides = []\n[unknown]\nA = ["ea"]', "no class 'A'"),
    ],
)
def test_errors_in_a_class_map_are_named(taxonomy, text, message):
    with pytest.raises(ContractError, match=message):
        parse_class_map(text, taxonomy, source="x.toml")


@pytest.mark.parametrize(("choice", "n_best", "n_even"),
                         [("extended", 0, 0), ("best", 16, 0), ("shape", 21, 10)])  # fmt: skip
def test_wider_features_are_read_by_labels_of_both_kinds(choice, n_best, n_even):
    scope = read_feature_sets(CONF / "features.toml")
    sets = read_feature_sets(CONF / "features.toml", choice=choice)
    of_best = {name for name in sets.ontological if name.endswith("BEST")}
    even = {name for name in sets.ontological if name.startswith(EVEN_HARMONICS)}
    assert (len(of_best), len(even)) == (n_best, n_even)
    assert all(sets.filling[name] == "median" for name in of_best | even)
    assert set(sets.ontological) <= set(FEATURES.schema.names)
    assert sets.phenomenological[:35] == scope.phenomenological
    assert {"period_ELS_ECE_EAOV", "period_EAOV"} <= set(sets.phenomenological)
    assert set(scope.ontological) | set(sets.phenomenological) == set(sets.ontological)
    assert len(set(sets.ontological)) == len(sets.ontological)
