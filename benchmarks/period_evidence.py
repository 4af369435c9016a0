"""Which period is right where ours is not the published one: two judges that saw neither.

    python benchmarks/period_recovery.py --data D --output FOUND
    python benchmarks/period_evidence.py --data D --found FOUND [--output evidence.svg]

EROS-1 stars lie at one distance, so the period of a Cepheid tells its brightness (Leavitt and
Pickering 1912). CRTS stars that LINEAR observed as well have a second published period
(Palaversa et al. 2013, AJ 146, 101).
"""

import argparse
import sys
from pathlib import Path

import astropy.units as u
import numpy as np
import pandas as pd
from astropy.coordinates import SkyCoord
from matplotlib.figure import Figure
from period_recovery import ALL
from period_stars import TRUSTED_GRADE, outcome

from udfs.ragged import FloatArray

LINEAR = "catalogs/LINEARattributesFinalApr2013.dat.gz"
LINEAR_COLUMNS = ("ra", "dec", "ug", "gi", "iK", "JK", "log_period")
SAME_STAR_ARCSEC = 3.0
CEPHEID, RR_LYRAE = "CEP", "RR"
EXACT = 0


def read_found(folder: Path, survey: str, data: Path) -> pd.DataFrame:
    """Stars of a survey with the published and the chosen period, and whether they agree."""
    rows = pd.read_csv(folder / f"{survey}.csv")
    rows["outcome"] = outcome(rows[ALL].to_numpy(float), rows["period"].to_numpy(float))
    objects = pd.read_parquet(data / survey / "objects.parquet").set_index("object_id")
    return rows.join(objects.drop(columns=["class", "period"]), on="object_id")


def relation(stars: pd.DataFrame) -> tuple[FloatArray, float]:
    """Line of magnitude over log period through Cepheids beyond doubt, and its scatter."""
    sure = stars[(stars["grade"] >= TRUSTED_GRADE) & (stars["outcome"] == EXACT)]
    x, y = np.log10(sure["period"]), sure["magnitude_r"]
    line = np.polyfit(x, y, 1)
    # Cepheids of both modes lie on two such lines.
    return line, float(1.4826 * np.median(np.abs(y - np.polyval(line, x))))


def judged_by_brightness(stars: pd.DataFrame) -> pd.DataFrame:
    """How far missed Cepheids lie below the relation at the published period."""
    cepheids = stars[stars["class"] == CEPHEID]
    line, scatter = relation(cepheids)
    faint = cepheids["magnitude_r"] - np.polyval(line, np.log10(cepheids["period"])) > 3 * scatter
    found = cepheids["outcome"] == EXACT
    trusted = cepheids["grade"] >= TRUSTED_GRADE
    lines = []
    for name, of_grade in (("0 or 1", ~trusted), ("2 or 3", trusted)):
        for said, agrees in (("yes", found), ("no", ~found)):
            chosen = of_grade & agrees
            lines.append({
                "grade": name, "our period is the published one": said, "stars": int(chosen.sum()),
                "too faint for a Cepheid of the published period": int((faint & chosen).sum()),
            })  # fmt: skip
    return pd.DataFrame(lines)


def judged_by_linear(stars: pd.DataFrame, linear: pd.DataFrame) -> pd.DataFrame:
    """Of stars in both surveys, whose period is LINEAR's."""
    index, apart, _ = _positions(stars).match_to_catalog_sky(_positions(linear))
    near = apart.arcsec < SAME_STAR_ARCSEC
    both = stars[near]
    other = 10 ** linear["log_period"].to_numpy()[index[near]]
    confirmed = outcome(other, both["period"].to_numpy()) == EXACT
    ours = outcome(both[ALL].to_numpy(), both["period"].to_numpy()) == EXACT
    lines = []
    for kind in sorted(both["class"].unique()):
        of_kind = (both["class"] == kind).to_numpy()
        lines.append({
            "class": kind, "stars": int(of_kind.sum()),
            "published = LINEAR": int((of_kind & confirmed).sum()),
            "of these ours": int((of_kind & confirmed & ours).sum()),
        })  # fmt: skip
    return pd.DataFrame(lines)


def _positions(rows: pd.DataFrame) -> SkyCoord:
    return SkyCoord(rows["ra"].to_numpy() * u.deg, rows["dec"].to_numpy() * u.deg)


def plot_relation(path: Path, stars: pd.DataFrame) -> None:
    """Magnitude over period; where ours is not the published one, a line leads to ours."""
    figure = Figure(figsize=(8, 4.4), layout="constrained")
    axis = figure.subplots()
    missed = (stars["class"] == CEPHEID) & (stars["outcome"] != EXACT)
    for kind, label, colour in (
        (CEPHEID, "Cepheids, both periods the same", "0.45"),
        (RR_LYRAE, "RR Lyrae, published period", "0.75"),
    ):
        shown = stars[(stars["class"] == kind) & ~missed]
        axis.plot(shown["period"], shown["magnitude_r"], ".", color=colour, ms=3, label=label)
    moved = stars[missed]
    axis.plot(moved[["period", ALL]].T, moved[["magnitude_r"] * 2].T, color="0.6", lw=0.5, zorder=0)
    axis.plot(moved["period"], moved["magnitude_r"], "x", color="C3", ms=5,
              label="called Cepheids, published period")  # fmt: skip
    axis.plot(moved[ALL], moved["magnitude_r"], "o", color="C0", ms=4, mfc="none",
              label="the same stars, our period")  # fmt: skip
    axis.invert_yaxis()
    axis.set(xscale="log", xlim=(0.2, 60), xlabel="period [day]", ylabel="magnitude, EROS-1 red")
    axis.legend(fontsize=8)
    figure.savefig(path)


def main() -> None:
    """Print both judgements and draw the first."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--found", type=Path, required=True, help="--output of period_recovery")
    parser.add_argument("--output", type=Path, default=Path("period_evidence.svg"))
    args = parser.parse_args()
    eros = read_found(args.found, "eros1_lmc", args.data)
    sys.stdout.write(judged_by_brightness(eros).to_string(index=False) + "\n\n")
    plot_relation(args.output, eros)
    crts = read_found(args.found, "crts_csdr1", args.data)
    linear = pd.read_csv(
        args.data / LINEAR, sep=r"\s+", comment="#", header=None,
        usecols=range(len(LINEAR_COLUMNS)), names=LINEAR_COLUMNS,
    )  # fmt: skip
    sys.stdout.write(judged_by_linear(crts, linear).to_string(index=False) + "\n")


if __name__ == "__main__":
    main()
