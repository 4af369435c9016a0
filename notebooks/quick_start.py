# Databricks notebook source
# MAGIC %md
# MAGIC # Quick start: from light curves to scores, by hand
# MAGIC
# MAGIC Simulate a few stars, read them in, compute their features, train classifiers, score the
# MAGIC field, look at what came out. Each step calls the same `main` that `spark-submit` runs; only
# MAGIC the numbers are small. The frequency grid ends early, so that a laptop needs no GPU: periods
# MAGIC shorter than 1 / `max_freq_per_day` cannot be found here.

# COMMAND ----------

dbutils.widgets.text("warehouse", "warehouse/quick_start", "Folder of the tables")
dbutils.widgets.text("stars", "60", "Stars to simulate")
dbutils.widgets.text("max_freq_per_day", "4", "End of the frequency grid [cycles/day]")
dbutils.widgets.text("seed", "1", "All randomness follows from it")

# COMMAND ----------

import re
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.figure import Figure
from pyspark.sql import functions as F

from jobs import (
    compute_features,
    infer_fields,
    ingest_labels,
    ingest_light_curves,
    promote_models,
    report,
    simulate_quadrant,
    train_xgb,
)
from jobs.common.config import CONF, read_survey
from jobs.common.registry_table import read_models
from jobs.common.tables import Warehouse
from jobs.reports.plots_light_curves import phase
from jobs.reports.stars import Wanted, read_stars
from jobs.reports.svg import BANDS
from models.taxonomy import read_taxonomy
from udfs.periodograms.grid import frequency_grid
from udfs.periodograms.lomb_scargle import lomb_scargle
from udfs.schemas import BEST, FEATURES, LIGHT_CURVES, scores_table

root = dbutils.widgets.get("warehouse")
sky = f"{root}/sky"
warehouse = Warehouse(spark, root)

# COMMAND ----------

# MAGIC %md
# MAGIC ## 1. Simulate
# MAGIC One ZTF quadrant: ZTF's cadence, weather, noise and flags, and the truth of every star.

# COMMAND ----------

simulate_quadrant.main(
    ["--output", sky, "--stars", dbutils.widgets.get("stars"),
     "--seed", dbutils.widgets.get("seed")]
)  # fmt: skip
truth = spark.read.parquet(f"{sky}/truth.parquet")
display(truth.groupBy("class").agg(F.countDistinct("object_id").alias("stars")).orderBy("class"))

# COMMAND ----------

# MAGIC %md
# MAGIC ## 2. Ingest
# MAGIC Every epoch is checked; what cannot be used goes to the table `quarantine` with the reason.

# COMMAND ----------

ingest_light_curves.main(["--warehouse", root, "--survey", "ztf", "--input", f"{sky}/light_curves"])
display(
    warehouse.read(LIGHT_CURVES)
    .groupBy("filter")
    .agg(F.count("*").alias("light_curves"), F.round(F.avg("n_epochs")).alias("mean_epochs"))
    .orderBy("filter")
)

# COMMAND ----------

# MAGIC %md
# MAGIC ## 3. Features
# MAGIC A survey is a TOML file. This one is ZTF's, with a frequency grid that ends earlier.

# COMMAND ----------

survey_file = Path(root) / "quick_start.toml"
survey_file.write_text(
    re.sub(
        r"max_freq_per_day = .*",
        f"max_freq_per_day = {float(dbutils.widgets.get('max_freq_per_day'))}",
        (CONF / "survey" / "ztf.toml").read_text(),
    )
)
compute_features.main(["--warehouse", root, "--survey", str(survey_file)])

# COMMAND ----------

features = warehouse.read(FEATURES)
period = f"period_{BEST}"
known = (
    features.join(truth.select("source_id", "class", "period_day"), on="source_id", how="inner")
    .where(F.col("period_day").isNotNull())
    .select("source_id", "object_id", "field", "class", "filter", "n", "period_day", period)
)
display(known.orderBy("class", "object_id", "filter").limit(12))

# COMMAND ----------

# MAGIC %md
# MAGIC Points on the solid line have the true period; on the dashed lines, half or twice of it, as
# MAGIC eclipsing binaries with two equal minima are bound to.

# COMMAND ----------

found = known.toPandas()
figure = Figure(figsize=(6, 4.6), layout="constrained")
axes = figure.subplots()
limits = np.array([found["period_day"].min() / 2, found["period_day"].max() * 2])
for factor, style in ((1, "-"), (2, "--"), (0.5, "--")):
    axes.plot(limits, factor * limits, style, color="grey", lw=0.8)
axes.set_prop_cycle(color=colormaps["tab20"].colors)
for name, rows in found.groupby("class"):
    axes.plot(rows["period_day"], rows[period], "o", ms=4, label=name)
axes.set(xscale="log", yscale="log", xlabel="true period [d]", ylabel="found period [d]")
axes.legend(fontsize=7, ncols=2)
display(figure)

# COMMAND ----------

# MAGIC %md
# MAGIC ## 4. One star
# MAGIC The variable star whose period was found best: its periodogram, its light curve, and the
# MAGIC same folded at the period.

# COMMAND ----------

error = (found[period] / found["period_day"] - 1).abs()
best = found[found["n"] > found["n"].median()].assign(error=error).sort_values("error").iloc[0]
wanted = Wanted("ztf", int(best["field"]), int(best["source_id"]), best["object_id"], best[period])
star = read_stars(warehouse, [wanted])[int(best["source_id"])]
band = read_survey("ztf").bands[str(best["filter"])]
curve = next(curve for curve in star.curves if curve.band == band)

settings = read_survey(str(survey_file)).period_search
freq = frequency_grid(float(np.ptp(curve.time)), settings)
power = lomb_scargle(curve.time, curve.mag, np.array([0, curve.time.size]), freq, backend="cpu")[0]

figure = Figure(figsize=(9, 5), layout="constrained")
panels = figure.subplot_mosaic([["power", "power"], ["curve", "folded"]])
panels["power"].plot(freq, power, lw=0.5)
panels["power"].axvline(1 / best["period_day"], color="grey", lw=0.8, ls="--")
panels["power"].set(
    xlabel="frequency [1/d]", ylabel="Lomb-Scargle power",
    title=f"{best['object_id']}, {best['class']}: true period {best['period_day']:.6g} d (dashed), "
    f"found {best[period]:.6g} d",
)  # fmt: skip
for curve in star.curves:
    folded = phase(curve.time, star.period_day)
    panels["curve"].plot(curve.time, curve.mag, ".", ms=3, color=BANDS[curve.band])
    panels["folded"].plot(folded, curve.mag, ".", ms=3, color=BANDS[curve.band], label=curve.band)
panels["curve"].set(xlabel="HMJD [d]", ylabel="magnitude")
panels["folded"].set(xlabel="phase")
panels["folded"].legend()
for name in ("curve", "folded"):
    panels[name].invert_yaxis()
display(figure)

# COMMAND ----------

# MAGIC %md
# MAGIC ## 5. Train
# MAGIC One model per label with at least ten examples, registered, checked and put into production.
# MAGIC With so few stars the numbers mean little: this shows how, not how well.

# COMMAND ----------

ingest_labels.main(
    ["--warehouse", root, "--survey", "ztf", "--objects", f"{sky}/truth.parquet",
     "--map", "simulated", "--class-column", "labels"]
)  # fmt: skip
train_xgb.main(["--warehouse", root, "--min-examples", "10", "--resamples", "200"])

# COMMAND ----------

promote_models.main(["--warehouse", root])
production = [m for m in read_models(warehouse) if m.stage == "production"]
metrics = pd.DataFrame([{"label": m.label, **m.metrics} for m in production])
columns = [
    "light_curves", "true_positives", "false_positives", "false_negatives",
    "precision", "recall", "roc_auc",
]  # fmt: skip
display(metrics.set_index("label")[columns].round(3))

# COMMAND ----------

# MAGIC %md
# MAGIC ## 6. Score
# MAGIC Every light curve of the field with every label, beside the true class.

# COMMAND ----------

infer_fields.main(["--warehouse", root, "--survey", "ztf"])
scored = [f"{label}_xgb" for label in metrics["label"]]
scores = warehouse.read(scores_table(read_taxonomy(CONF / "labels.toml").scored))
display(
    scores.join(truth.select(F.col("source_id").alias("_id"), "class"), on="_id", how="inner")
    .orderBy(F.desc("vnv_xgb"), "_id")
    .select("_id", "class", "filter", "period", *[F.round(c, 2).alias(c) for c in scored])
    .limit(10)
)

# COMMAND ----------

# MAGIC %md
# MAGIC ## 7. Report
# MAGIC The same in full, as pages of their own.

# COMMAND ----------

report.main(["--warehouse", root, "--survey", "ztf", "--top", "2"])
