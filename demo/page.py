"""The report as one HTML page: pictures where people would rather look, in English and Chinese."""

from html import escape

from demo.figures import Figures, JourneyFigures
from demo.scores import Difference

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2433; --soft: #667085; --line: #e4e7ec; --good: #0f7b5f; --bad: #b42318;
        --bar: #3b6fd4; --back: #fbfbfd; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaf0; --soft: #98a2b3; --line: #2b3242; --back: #12151d; } }
body { font: 16px/1.5 system-ui, "PingFang SC", "Noto Sans SC", sans-serif; color: var(--ink); background: var(--back);
       max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; margin-bottom: 0 } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem }
p.lead, small { color: var(--soft) } table { border-collapse: collapse; width: 100% }
td, th { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.good { color: var(--good) } .bad { color: var(--bad); font-weight: 600 }
svg text { fill: var(--soft); font-size: 11px }
.bar { fill: var(--bar) }
"""


def _rows(pairs: list[tuple[str, str]]) -> str:
    return "".join(f'<tr><td>{escape(name)}</td><td class="n">{value}</td></tr>' for name, value in pairs)


def _line_chart(points: list[tuple[str, dict[str, int]]], key: str) -> str:
    values = [sizes.get(key, 0) for _, sizes in points]
    top = max([*values, 1])
    width, height = 220, 44
    step = width / max(len(values) - 1, 1)
    path = " ".join(
        f"{index * step:.1f},{height - value / top * (height - 4):.1f}" for index, value in enumerate(values)
    )
    return (
        f'<svg width="{width}" height="{height}" role="img" aria-label="{escape(key)} over the year">'
        f'<polyline points="{path}" fill="none" stroke="var(--bar)" stroke-width="2"/></svg>'
    )


def _bars(counts: dict[str, int]) -> str:
    top = max([*counts.values(), 1])
    lines = []
    for name, count in sorted(counts.items(), key=lambda item: -item[1]):
        width = 360 * count / top
        lines.append(
            f'<tr><td>{escape(name)}</td><td><svg width="370" height="16"><rect class="bar" width="{width:.0f}"'
            f' height="14" rx="2"/></svg></td><td class="n">{count:,}</td></tr>'
        )
    return f"<table>{''.join(lines)}</table>"


def _journey(figures: JourneyFigures) -> str:
    nodes = "".join(
        f"<tr><td>{escape(str(node.get('node', '')))}</td><td class='n'>{int(node.get('entered', 0)):,}</td>"
        f"<td>{escape(', '.join(f'{name} {count:,}' for name, count in dict(node.get('left', {})).items()))}</td></tr>"
        for node in figures.nodes
    )
    runs = ", ".join(f"{name} {count:,}" for name, count in sorted(figures.runs.items()))
    return (
        f"<h3>{escape(figures.name)}</h3><p><small>runs: {escape(runs)} · converted {figures.converted:,}</small></p>"
        f"<table><tr><th>node</th><th class='n'>entered</th><th>left by</th></tr>{nodes}</table>"
    )


def _difference(found: Difference | None) -> str:
    if found is None:
        return "—"
    return f"{found.value:+.1%} [{found.low:+.1%}, {found.high:+.1%}]"


def page(figures: Figures) -> str:
    """Return the page."""
    numbers = figures.reconciliation
    verdict = (
        '<p class="good">Every count agrees. 所有计数一致。</p>'
        if figures.reconciled
        else '<p class="bad">Counts differ. 计数不一致。</p>'
    )
    checks = "".join(
        f'<tr><td>{escape(name)}</td><td class="n {"good" if holds else "bad"}">{"✓" if holds else "✗"}</td></tr>'
        for name, holds in figures.checks.items()
    )
    segments = "".join(
        f'<tr><td>{escape(key)}</td><td>{_line_chart(figures.segments, key)}</td><td class="n">{size:,}</td></tr>'
        for key, size in (figures.segments[-1][1].items() if figures.segments else ())
    )
    findings = "".join(
        f"<tr><td>{escape(name)}</td><td class='n'>{'yes 是' if holds else 'no 否'}</td></tr>"
        for name, holds in figures.findings.items()
    )
    pairs, reachable = figures.pairs, figures.reachable_pairs
    recognised = _rows(
        [
            ("persons 人", f"{figures.persons:,}"),
            ("merges 合并", f"{figures.merges:,}"),
            ("identifiers 标识", f"{figures.identifiers:,}"),
            ("precision of pairs 精确率", f"{pairs.precision:.4f}" if pairs else "—"),
            ("recall over all true pairs 召回率（全部）", f"{pairs.recall:.4f}" if pairs else "—"),
            (
                "recall over pairs any event ever joined 召回率（有证据）",
                f"{reachable.recall:.4f}" if reachable else "—",
            ),
            ("persons holding two humans 误合并", f"{figures.wrongly_merged:,}"),
        ]
    )
    counts = _rows(
        [
            ("posted 发送", f"{numbers.posted:,}"),
            ("accepted 接受", f"{numbers.accepted:,}"),
            ("duplicates 重复", f"{numbers.duplicates:,}"),
            ("conflicts 冲突", f"{numbers.conflicts:,}"),
            ("quarantined 隔离", f"{numbers.quarantined:,}"),
            ("in the event log 事件日志", f"{numbers.recorded:,}"),
            ("in the columnar store 列存", f"{numbers.columnar:,}"),
            ("in timelines 时间线", f"{numbers.timelines:,}"),
            ("our own events 自有事件", f"{numbers.own_events_columnar:,} / {numbers.own_events_timelines:,}"),
            ("order lines 订单行", f"{numbers.lines_rejoined:,} / {numbers.lines_published:,}"),
        ]
    )
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Rapport: a year in review</title><style>{_STYLE}</style>
<h1>A year of {figures.households:,} households</h1>
<p class="lead">Shopping: <em>The Complete Journey</em>, published by 84.51°, simulated from real shopping in 2017.
Cookies, devices and WeChat ids: <strong>generated</strong>, seeded, with known truth. 触点数据为生成数据。</p>
{verdict}
<h2>Reconciliation 对账</h2><table>{counts}</table><table>{checks}</table>
<h2>Recognition 识别（OneID）</h2><table>{recognised}</table>
<h2>Segments over the year 人群</h2><table>{segments}</table>
<h2>Journeys 旅程</h2>{"".join(_journey(journey) for journey in figures.journeys)}
<h2>Messages 消息</h2>{_bars(figures.messages)}<h3>Dropped, by reason 未发送原因</h3>{_bars(figures.drops)}
<h2>Treated against control 实验组与对照组</h2><table>{
        _rows(
            [
                (
                    "orders within 14 days, an A/A check: purchases are fixed history (must cover 0)",
                    _difference(figures.control_check),
                ),
                (
                    f"generated visits, known effect {figures.effect_known:+.1%} (must cover it)",
                    _difference(figures.effect_found),
                ),
            ]
        )
    }</table>
<table>{findings}</table>
<h2>Pace 速度</h2><table>{
        _rows(
            [
                ("events a second, everything included", f"{figures.events_per_second:,.0f}"),
                *((name, f"{seconds:,.1f} s") for name, seconds in figures.seconds.items()),
                ("due instants of the driven clock", f"{figures.instants:,}"),
            ]
        )
    }</table>
<p><small>The clock was driven in steps of {
        figures.step_seconds:,.0f} s: what fell due within a step was done at its end.</small></p>
</html>"""
