"""The report of one field: what was done, how the scores lie, what the best of them look like."""

from jobs.reports.field_data import THRESHOLD, FieldData
from jobs.reports.gallery import Gallery
from jobs.reports.page import Cell, Column, Page, Section, Table, count_cell, number_cell
from jobs.reports.plots_scores import agreement_picture, histograms
from models.taxonomy import Taxonomy

_MODELS = {"xgb": "XGBoost", "dnn": "neural network", "stack": "both together"}


def field_page(data: FieldData, taxonomy: Taxonomy) -> Page:
    """Lay out one field."""
    gallery = Gallery(data.stars)
    # The pictures come first: the table of top sources leads to those that were drawn.
    stars = _star_sections(data, gallery, taxonomy)
    n = data.stages[0][1]
    return Page(
        title=f"{data.survey} field {data.field}",
        summary=f"{n:,} light curves: what each step kept, how the scores of "
        f"{len(data.columns)} classifiers lie, and the stars that score highest.",
        facts=[
            *[(words.capitalize(), f"{count:,}") for words, count in data.stages],
            ("Models", ", ".join(data.model_versions)),
            ("Threshold", f"{THRESHOLD:g}"),
        ],
        sections=[
            _counts_section(data),
            *_score_sections(data, taxonomy),
            *_agreement_sections(data),
            Section("top", "Highest scores", tables=[_top_table(data, gallery)]),
            *stars,
        ],
    )


def _counts_section(data: FieldData) -> Section:
    steps = Table(
        "steps",
        "Light curves after each step",
        [Column("step"), Column("light curves", True)],
        [[Cell(words), count_cell(n)] for words, n in data.stages],
    )
    if not data.quarantined:
        text = "Nothing from the input files of this field is in quarantine."
        return Section("counts", "What each step kept", text, tables=[steps])
    refused = Table(
        "quarantine",
        "Put aside, from the input files of this field",
        [Column("job"), Column("extent"), Column("reason"), Column("rows", True),
         Column("epochs", True)],
        [[Cell(q.job), Cell(q.extent), Cell(q.reason), count_cell(q.rows), count_cell(q.epochs)]
         for q in data.quarantined],
    )  # fmt: skip
    return Section("counts", "What each step kept", tables=[steps, refused])


def _score_sections(data: FieldData, taxonomy: Taxonomy) -> list[Section]:
    drawn = [
        Section(
            f"scores-{model}",
            f"Scores: {_MODELS[model]}",
            pictures=[
                histograms(
                    {c.label: data.histograms[c.column] for c in data.of_model(model)},
                    above={c.label: c.n_above for c in data.of_model(model)},
                    name=f"histograms-{model}",
                    threshold=THRESHOLD,
                )
            ],
            level=3,
        )
        for model in data.agreements
    ]
    counts = Table(
        "labels",
        f"Light curves per label, and how many are above {THRESHOLD:g}",
        [Column("label"), Column("name"), Column("model"), Column("scored", True),
         Column("above", True), Column("share %", True), Column("highest", True)],
        [[Cell(c.label), Cell(taxonomy.label(c.label).name), Cell(_MODELS[c.model]),
          count_cell(c.n_scored), count_cell(c.n_above),
          number_cell(100 * c.n_above / c.n_scored, 2), number_cell(c.best, 3)]
         for c in data.columns],
    )  # fmt: skip
    return [Section("scores", "Scores", tables=[counts]), *drawn]


def _agreement_sections(data: FieldData) -> list[Section]:
    drawn = [
        Section(f"trees-{model}", f"Agreement: {_MODELS[model]}", pictures=[picture], level=3)
        for model, found in data.agreements.items()
        if (picture := agreement_picture(found, name=f"agreement-{model}"))
    ]
    text = "" if drawn else "No light curve is above the threshold in a label with a parent."
    return [Section("agreement", "Agreement along the label trees", text), *drawn]


def _top_table(data: FieldData, gallery: Gallery) -> Table:
    rows = [
        [Cell(c.label), Cell(_MODELS[c.model]), number_cell(source.score, 3),
         Cell(str(source.source_id), href=gallery.link(source.source_id)),
         Cell(source.object_id or "–"), number_cell(source.ra, 5), number_cell(source.dec, 5),
         number_cell(source.period, 6)]
        for c in data.columns
        for source in data.best[c.column]
    ]  # fmt: skip
    return Table(
        "top-table",
        "The highest scores of each label; a source leads to its light curve where it is drawn",
        [Column("label"), Column("model"), Column("score", True), Column("source_id"),
         Column("object_id"), Column("ra [deg]", True), Column("dec [deg]", True),
         Column("period [d]", True)],
        rows,
    )  # fmt: skip


def _star_sections(data: FieldData, gallery: Gallery, taxonomy: Taxonomy) -> list[Section]:
    found = []
    for c in data.drawn:
        sources = data.best[c.column]
        pictures, note = gallery.show([source.source_id for source in sources])
        scores = ", ".join(f"{source.score:.2f}" for source in sources)
        found.append(
            Section(
                f"stars-{c.column}",
                f"{c.label}, {_MODELS[c.model]}",
                f"{taxonomy.label(c.label).name}. Scores: {scores}. {note}",
                pictures=pictures,
                level=3,
            )
        )
    text = (
        "The highest scores of each label that has any above the threshold (of a few labels if "
        "none has), light curve beside folded curve. Epochs are those that features are made from."
    )
    return [Section("stars", "Stars", text), *found]
