from pathlib import Path

import numpy as np
import pandas as pd

from jobs.reports.agreement import Agreement, count_agreement, tree_pairs
from models.taxonomy import parse_taxonomy, read_taxonomy

PROJECT = Path(__file__).resolve().parents[2]
TREE = "\n".join(
    f'[{name}]\nname = "{name}"\ncolumn = "{name}"\nkind = "phenomenological"\ntrained = true\n'
    + (f'parent = "{parent}"\n' if parent else "")
    for name, parent in (("top", ""), ("mid", "top"), ("leaf", "mid"), ("lone", ""))
)


def test_pairs_follow_the_tree_and_skip_labels_without_scores():
    taxonomy = parse_taxonomy(TREE, source="tree")
    assert tree_pairs(taxonomy, ["top", "mid", "leaf"]) == [("mid", "top"), ("leaf", "mid")]
    assert tree_pairs(taxonomy, ["leaf", "top", "lone"]) == [("leaf", "top")]


def test_the_pairs_of_the_paper_are_among_those_of_the_taxonomy():
    taxonomy = read_taxonomy(PROJECT / "conf" / "labels.toml")
    # Healy et al. (2024), section 5.2, look at these two.
    assert {("pnp", "vnv"), ("i", "vnv")} <= set(tree_pairs(taxonomy, taxonomy.scored))


def test_agreement_counts_children_above_the_threshold_whose_parent_was_scored():
    scores = pd.DataFrame(
        {
            "pnp": [0.9, 0.8, 0.71, 0.7, 0.2, 0.9],
            "vnv": [0.9, 0.7, 0.95, 0.9, 0.9, np.nan],
        }
    )
    (found,) = count_agreement(scores, [("pnp", "vnv")], threshold={"pnp": 0.7, "vnv": 0.7})
    # By hand: rows 0, 1, 2 are above 0.7; of those, rows 0 and 2 in vnv as well.
    assert found == Agreement("pnp", "vnv", 3, 2)
    assert found.share == 2 / 3


def test_share_without_children_is_unknown():
    assert Agreement("pnp", "vnv", 0, 0).share is None
