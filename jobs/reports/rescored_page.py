"""The report of nights that were scored again: what the models of today say otherwise."""

from collections.abc import Mapping, Sequence

from jobs.reports.page import Cell, Column, Page, Section, Table, count_cell, number_cell
from jobs.reports.rescored_data import Changed, FilterChange, Rescored, ScoreChange
from jobs.reports.rescored_plots import score_changes_picture

_NONE = "none"


def rescored_page(rescored: Rescored) -> Page:
    """Lay out what changed."""
    nights = rescored.nights
    name = str(nights[0]) if len(nights) == 1 else f"{nights[0]} to {nights[-1]}"
    return Page(
        title=f"Night {name} scored again" if len(nights) == 1 else f"Nights {name} scored again",
        summary=_summary(rescored.scores),
        facts=[
            ("Nights (MJD)", ", ".join(map(str, nights))),
            *[(part, f"{count:,}") for part, count in rescored.account.items()],
            ("Models before", _versions(rescored.versions_before)),
            ("Models now", _versions(rescored.versions_now)),
        ],
        sections=[
            _scores_section(rescored.scores),
            _most_section(rescored.scores),
            _anomalies_section(rescored.anomalies),
            _filters_section(rescored.filters),
        ],
    )


def _summary(scores: Sequence[ScoreChange]) -> str:
    compared = sum(one.n_both for one in scores)
    crossed = sum(one.n_up + one.n_down for one in scores)
    if not compared:
        return "The stream has scored none of these alerts: there is nothing to compare with."
    return f"Of {compared:,} scores that the stream had given, {crossed:,} crossed their threshold."


def _scores_section(scores: Sequence[ScoreChange]) -> Section:
    columns = [
        Column("label"), Column("threshold", True), Column("compared", True),
        Column("mean change", True), Column("to yes", True), Column("to no", True),
        Column("only now", True), Column("only before", True),
    ]  # fmt: skip
    rows = [
        [
            Cell(one.label), number_cell(one.threshold, 2), count_cell(one.n_both),
            number_cell(one.mean_difference, 4), count_cell(one.n_up), count_cell(one.n_down),
            count_cell(one.n_gained), count_cell(one.n_lost),
        ]
        for one in scores
    ]  # fmt: skip
    caption = (
        "Compared: alerts with a score before and now; mean change: of |now - before|; to yes, to "
        "no: alerts whose score rose above the threshold, or fell to it; only now: without a score "
        "before, such as alerts that were read from files."
    )
    table = Table("labels", caption, columns, rows)
    pictures = [score_changes_picture(scores)] if any(one.n_both for one in scores) else []
    return Section("scores", "Scores before and now", pictures=pictures, tables=[table])


def _most_section(scores: Sequence[ScoreChange]) -> Section:
    rows = [_most_row(one, changed) for one in scores for changed in one.most]
    if not rows:
        return Section("most", "Changed most", "No score is another than before.")
    columns = [
        Column("label"), Column("source"), Column("candid"), Column("night", True),
        Column("before", True), Column("now", True), Column("change", True),
        Column("models before"), Column("models now"),
    ]  # fmt: skip
    caption = "The alerts of each label whose score changed most."
    return Section("most", "Changed most", tables=[Table("alerts", caption, columns, rows)])


def _most_row(one: ScoreChange, changed: Changed) -> list[Cell]:
    change = changed.now - changed.before
    return [
        Cell(one.label), Cell(changed.object_id), Cell(str(changed.candid)),
        Cell(str(changed.night), changed.night), number_cell(changed.before, 3),
        number_cell(changed.now, 3), Cell(f"{change:+.3f}", abs(change)),
        Cell(_set_of(one.label, changed.before_version)),
        Cell(_set_of(one.label, changed.now_version)),
    ]  # fmt: skip


def _anomalies_section(anomalies: Mapping[tuple[str | None, str | None], int]) -> Section:
    kinds = sorted({kind or _NONE for pair in anomalies for kind in pair})
    if kinds in ([], [_NONE]):
        return Section("anomalies", "Anomalies", "There are none, neither before nor now.")
    columns = [Column("before"), *[Column(f"now {kind}", True) for kind in kinds]]
    counts = {(old or _NONE, new or _NONE): n for (old, new), n in anomalies.items()}
    rows = [[Cell(old), *[count_cell(counts.get((old, new), 0)) for new in kinds]] for old in kinds]
    caption = "Alerts that the stream had seen, by their flag before (rows) and now (columns)."
    return Section("anomalies", "Anomalies", tables=[Table("flags", caption, columns, rows)])


def _filters_section(filters: Sequence[FilterChange]) -> Section:
    if not filters:
        return Section("filters", "Filters", "No filter lets any of these alerts through.")
    columns = [Column("filter"), Column("before", True), Column("now", True), Column("new", True),
               Column("gone", True)]  # fmt: skip
    rows = [
        [Cell(one.name), *map(count_cell, (one.n_before, one.n_now, one.n_new, one.n_gone))]
        for one in filters
    ]
    caption = (
        "Alerts that each filter, as it is today, lets through with the row that the stream stored "
        "and with the one of today. Nothing of this is published."
    )
    tables = [Table("selections", caption, columns, rows)]
    listed = [
        [Cell(one.name), Cell(told), Cell(source), Cell(str(candid))]
        for one in filters
        for told, alerts in (("new", one.new), ("gone", one.gone))
        for source, candid in alerts
    ]
    if listed:
        heads = [Column("filter"), Column("change"), Column("source"), Column("candid")]
        tables.append(Table("selected", "The first alerts of each change.", heads, listed))
    return Section("filters", "Filters", tables=tables)


def _versions(versions: Mapping[str, int]) -> str:
    """The sets, with their shares if there are several."""
    if len(versions) < 2:
        return ", ".join(versions).replace(",", ", ") or _NONE
    return "; ".join(f"{name.replace(',', ', ')} ({count:,})" for name, count in versions.items())


def _set_of(label: str, version: str) -> str:
    """Of several sets, those of the label's algorithm, as acai-... for acai_h."""
    algorithm = label.partition("_")[0]
    return ", ".join(s for s in version.split(",") if s.startswith(f"{algorithm}-")) or version
