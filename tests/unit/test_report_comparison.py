import numpy as np
import pandas as pd
import pytest

from jobs.reports.comparison import compare_predictions
from jobs.reports.comparison_page import comparison_page
from jobs.reports.page import render
from udfs.errors import ContractError


def predictions(labels=("ea", "ew"), n=60, seed=1, noise=0.2):
    truth = np.random.default_rng(0)
    rng = np.random.default_rng(seed)
    frames = []
    for label in labels:
        target = (truth.random(n) < 0.4).astype(np.int32)
        frames.append(
            pd.DataFrame(
                {
                    "label": label,
                    "survey": "ztf",
                    "object_id": [f"star {i}" for i in range(n)],
                    "source_id": np.arange(n),
                    "target": target,
                    "score": np.clip(target * 0.6 + rng.normal(0.2, noise, n), 0, 1).astype("f4"),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def test_rows_are_matched_by_light_curve_whatever_their_order():
    first, second = predictions(), predictions(seed=2)
    shuffled = second.sample(frac=1.0, random_state=3)
    one = compare_predictions(first, shuffled, labels=["ew", "ea"], threshold=0.7)
    assert [c.label for c in one] == ["ew", "ea"]
    ew = second[second["label"] == "ew"]["score"].to_numpy()
    np.testing.assert_array_equal(one[0].second, ew)
    same = compare_predictions(first, first, labels=["ea"], threshold=0.7)[0]
    assert (same.agreement.at_threshold, same.agreement.top) == (1.0, 1.0)


def test_light_curves_and_labels_of_one_set_only_are_left_out():
    first, second = predictions(), predictions(labels=("ea",)).head(50)
    found = compare_predictions(first, second, labels=["ea", "ew"], threshold=0.7)
    assert [(c.label, len(c.target)) for c in found] == [("ea", 50)]


def test_sets_without_a_common_test_part_are_refused():
    other = predictions().assign(survey="gaia")
    with pytest.raises(ContractError, match="no label and test light curve in common"):
        compare_predictions(predictions(), other, labels=["ea"], threshold=0.7)


def test_sets_judged_by_other_labels_are_refused():
    other = predictions()
    other.loc[0, "target"] = 1 - other.loc[0, "target"]
    with pytest.raises(ContractError, match="ea of star 0 is [01] in one and [01] in the other"):
        compare_predictions(predictions(), other, labels=["ea"], threshold=0.7)


def test_the_page_has_a_row_and_a_panel_for_each_label():
    found = compare_predictions(
        predictions(), predictions(seed=2), labels=["ea", "ew"], threshold=0.7
    )
    page = comparison_page(found, names=("xgb-1a2b", "dnn-3c4d"))
    (table,) = page.sections[0].tables
    assert [row[0].text for row in table.rows] == ["ea", "ew"]
    assert [c.title for c in table.columns][3:5] == ["AP, xgb", "AP, dnn"]
    html = render(page)
    assert html.count("<svg") == 3
    assert "xgb-1a2b and dnn-3c4d" in html


def test_a_label_without_positives_is_shown_with_dashes():
    blank = predictions(labels=("ea",)).assign(target=0)
    (found,) = compare_predictions(blank, blank, labels=["ea"], threshold=2.0)
    page = comparison_page([found], names=("xgb-1", "dnn-2"))
    row = page.sections[0].tables[0].rows[0]
    assert [cell.text for cell in row[3:5]] == ["–", "–"]
    assert render(page).count("<svg") == 3
