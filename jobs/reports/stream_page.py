"""The status page of the stream."""

from collections.abc import Sequence
from datetime import UTC, datetime

from markupsafe import escape

from jobs.reports.page import (
    Cell,
    Column,
    Page,
    Section,
    Table,
    count_cell,
    number_cell,
    render,
)
from jobs.reports.stream_data import Batches, DeadLetters, StreamStatus
from jobs.reports.stream_plots import (
    LATENCY_BAR_S,
    lag_picture,
    latency_picture,
    nights_picture,
    published_picture,
    rates_picture,
    stages_picture,
)

NO_BATCH = "no batch yet: start streaming/run.py"
_HEAD, _HEADER_END = '<meta charset="utf-8">', "</header>"
# Longer values, such as a broken header, would tear the table apart.
_VALUE_LENGTH = 80


def status_html(status: StreamStatus, *, now: datetime, refresh_s: int | None) -> str:
    """The page as one HTML file; with ``refresh_s`` browsers load it again after so many seconds.

    Parameters
    ----------
    now : datetime, UTC
        Ages are told by it.
    """
    html = render(stream_page(status, now=now))
    if refresh_s is not None:
        again = f'{_HEAD}\n<meta http-equiv="refresh" content="{refresh_s:d}">'
        html = html.replace(_HEAD, again, 1)
    refused = status.batches.last["refused_models"] if status.batches else None
    if refused:
        warning = (
            '<p role="alert" style="color: var(--band-r); font-weight: 600; margin-top: 1rem">'
            f"Refused models, the ones before still score: {escape(refused)}</p>"
        )
        html = html.replace(_HEADER_END, f"{warning}\n{_HEADER_END}", 1)
    return html


def stream_page(status: StreamStatus, *, now: datetime) -> Page:
    """Lay out the state of the stream."""
    batches = status.batches
    return Page(
        title="Alert stream",
        summary=_summary(batches, now),
        facts=_facts(status, now) if batches else [("Last batch", NO_BATCH)],
        sections=[
            Section("now", "Rate and latency", "" if batches else f"Nothing to draw: {NO_BATCH}.",
                    pictures=[p(batches) for p in (rates_picture, latency_picture, lag_picture,
                                                   stages_picture)] if batches else []),
            _published_section(status),
            _dead_letter_section(status.dead_letters),
            _nights_section(status),
        ],
    )  # fmt: skip


def _summary(batches: Batches | None, now: datetime) -> str:
    if batches is None:
        return f"The stream has not done anything: {NO_BATCH}."
    age = _age((now - _last_commit(batches)).total_seconds())
    slow = batches.last["latency_p99_s"]
    verdict = ""
    if slow is not None and slow == slow:
        place = "within" if slow < LATENCY_BAR_S else "above"
        verdict = f", its latency (99 %) {place} the bar of {LATENCY_BAR_S:g} s"
    return f"The last micro-batch came to its end {age} before this page was made{verdict}."


def _facts(status: StreamStatus, now: datetime) -> list[tuple[str, str]]:
    batches = status.batches
    assert batches is not None
    last, totals = batches.last, status.totals
    committed = _last_commit(batches)
    percentiles = [_number(last[f"latency_p{p}_s"], 1) for p in (50, 95, 99)]
    return [
        ("Last batch", f"{last['batch_id']:,}, {committed:%Y-%m-%d %H:%M:%S} UTC"),
        ("Its age", _age((now - committed).total_seconds())),
        ("Its messages", f"{last['n_messages']:,} = {last['n_alerts']:,} new + "
                         f"{last['n_duplicates']:,} known + {last['n_dead_letters']:,} dead"),
        ("Input rate", f"{_number(last['input_rate'], 1)} per s"),
        ("Processed rate", f"{_number(last['processed_rate'], 1)} per s"),
        ("Messages waiting", _number(last["lag_offsets"], 0)),
        ("Oldest message", f"{_number(last['lag_s'], 1)} s"),
        ("Latency 50, 95, 99 %", f"{', '.join(percentiles)} s"),
        ("Models", ", ".join((last["model_version"] or "none").split(","))),
        ("Refused models", last["refused_models"] or "none"),
        ("All batches", f"{totals['n_batches']:,}"),
        ("All messages", f"{totals['n_messages']:,} = {totals['n_alerts']:,} new + "
                         f"{totals['n_duplicates']:,} known + "
                         f"{totals['n_dead_letters']:,} dead"),
        ("Code", last["code_version"] or "unknown"),
    ]  # fmt: skip


def _published_section(status: StreamStatus) -> Section:
    if not status.published:
        return Section("published", "Published", "Nothing was published yet.")
    last = status.batches.last["n_published"] if status.batches else None
    columns = [Column("filter"), Column("alerts", True), Column("in the last batch", True),
               Column("last night", True), Column("of it", True)]  # fmt: skip
    rows = [
        [
            Cell(name), count_cell(sum(counts.values())), count_cell((last or {}).get(name, 0)),
            Cell(str(max(counts)), max(counts)), count_cell(counts[max(counts)]),
        ]
        for name, counts in status.published.items()
    ]  # fmt: skip
    table = Table("filters", "Rows of the table published, by filter.", columns, rows)
    return Section("published", "Published",
                   pictures=[published_picture(status.published)], tables=[table])  # fmt: skip


def _dead_letter_section(letters: Sequence[DeadLetters]) -> Section:
    if not letters:
        return Section("dead-letters", "Dead letters", "No message was put aside.")
    columns = [Column("reason"), Column("messages", True), Column("latest (UTC)"),
               Column("topic/partition/offset"), Column("value"), Column("expected")]  # fmt: skip
    rows = [
        [
            Cell(one.reason), count_cell(one.count),
            Cell(f"{one.latest:%Y-%m-%d %H:%M:%S}" if one.latest else "–"), Cell(one.place),
            Cell(_short(one.value)), Cell(one.expected or ""),
        ]
        for one in letters
    ]  # fmt: skip
    caption = (
        "Messages that are no valid alert, by reason, with the latest of each. Their bytes are "
    )
    table = Table("reasons", f"{caption}in the table dead_letters.", columns, rows)
    return Section("dead-letters", "Dead letters", tables=[table])


def _nights_section(status: StreamStatus) -> Section:
    if not status.nights:
        return Section("nights", "Nights", "No alert was scored yet.")
    columns = [Column("night (MJD)", True), Column("alerts", True), Column("per cent", True)]
    total = sum(status.nights.values())
    rows = [
        [Cell(str(night), night), count_cell(count), number_cell(100 * count / total, 1)]
        for night, count in sorted(status.nights.items(), reverse=True)
    ]
    table = Table("by-night", "Rows of scored_alerts, by night of the exposure.", columns, rows)
    return Section("nights", "Nights", pictures=[nights_picture(status.nights)], tables=[table])


def _last_commit(batches: Batches) -> datetime:
    return datetime.fromtimestamp(batches.committed[-1].astype(int) / 1000, UTC)


def _short(value: str | None) -> str:
    text = value or ""
    return text if len(text) <= _VALUE_LENGTH else f"{text[:_VALUE_LENGTH]}…"


def _number(value: float | None, digits: int) -> str:
    return "unknown" if value is None or value != value else f"{value:,.{digits}f}"


def _age(seconds: float) -> str:
    if seconds < 120:
        return f"{max(seconds, 0):.0f} s"
    minutes = seconds / 60
    if minutes < 120:
        return f"{minutes:.0f} min"
    hours = minutes / 60
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"
