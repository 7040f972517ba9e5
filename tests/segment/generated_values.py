"""What Hypothesis makes values, times and names of."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

START = datetime(2024, 2, 26, 12, 0, tzinfo=UTC)
CORNERS = [datetime.fromisoformat(at) for at in ("2024-02-29T20:00Z", "2024-03-10T07:20Z", "2024-03-31T01:20Z")]
"""Times that a month before some days has not: of a leap day, and of hours in which clocks are put forward."""
TURNS = [
    START + timedelta(hours=1),
    *map(datetime.fromisoformat, ("2024-03-29T21:00Z", "2024-04-10T06:10Z", "2024-05-29T21:00Z", "2024-05-31T00:10Z")),
]
"""Where histories begin: just after the start, and where months before now come upon the corners."""
ZONES = ("UTC", "Asia/Shanghai", "America/New_York", "Europe/Berlin")
FAR_ZONES = ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu")
"""Both ends of the earth, and clocks that go by half an hour, or change by it."""
OWN_ZONES = (*ZONES, *FAR_ZONES)
CHANGES = [
    datetime.fromisoformat(at)
    for at in ("2024-03-10T05:30Z", "2024-03-10T07:00Z", "2024-03-31T01:00Z", "2024-04-06T15:00Z")
]
"""When the clocks of St John's, New York, Berlin and Lord Howe Island change."""
NAMES = ("bought", "seen", "Ünï. 'x' \\ %_", "a.b")
TRAITS = ("age", "note", "likes", "when", "a.b", "nest")
SPOTS = [(31.2, 121.5), (31.3, 121.4), (52.5, 13.4), (-33.9, 151.2), (0, 180), (0, -180), (90, 0), (31.25, 121.45)]
pick = st.sampled_from

texts = pick(
    ["", "blue", "Blue", "STRASSE", "straße", "8", "8.0", "10", "1e1", "%", "_", "a'b\\", "金", "true", "x\x00y"]
)
numbers = st.one_of(st.integers(-10, 10), pick([2**53 + 1, 2**53, 8, 10, 10**30, 0.1, 1.5, 8.0]))
walls = pick(
    ["2024-02-29T20:00:00", "2024-03-01T04:00:00", "2024-03-10T02:30:00", "2024-03-09T23:20", "2024-03-31T03:20:00.5"]
)
"""What clocks show about the corners: without a zone."""
times = st.one_of(
    st.integers(-900, 900).map(lambda hours: (START + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")),
    st.integers(-400, 40).map(lambda days: (START + timedelta(days=days)).date().isoformat()),
    pick(["1992-02-29", "2024-02-29T23:30:00+08:00", "1990-03-04T15:00:00Z"]),
    pick([at.isoformat().replace("+00:00", "Z") for at in CORNERS]),
    walls,
)


def midnight(day: date, zone: str) -> datetime:
    """Return when a day begins in a zone."""
    return datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)


DAYS = [date(2024, 2, 27), date(2024, 3, 1), date(2024, 3, 10), date(2024, 3, 31)]
"""So few that a person's time and an operator's day often lie beside each other."""
MIDNIGHTS = sorted({midnight(day, zone) for day, zone in product(DAYS, OWN_ZONES)})
own_times = st.builds(
    lambda at, seconds: (at + timedelta(seconds=seconds)).isoformat(),
    st.one_of(pick(MIDNIGHTS), pick(MIDNIGHTS), pick(CHANGES)),
    pick([-1, 0, 0, 1, 1800, -1800]),
)
"""Times that lie in one day here and in another there."""
own_days = pick([day.isoformat() for day in DAYS])
near_times = st.one_of(
    walls, pick([at.isoformat() for at in CORNERS]), pick(["2024-02-29", "2024-03-01", "2024-03-10", "2024-03-31"])
)
"""Times so close to each other that it matters by whose clock they are read."""
moments = st.integers(-900, 48).map(lambda hours: START + timedelta(hours=hours))
event_times = st.one_of(moments, moments, moments, pick(CORNERS))
scalars = st.one_of(texts, numbers, st.booleans(), times)
values = st.one_of(scalars, st.lists(st.one_of(texts, numbers), max_size=3), st.none())
nested = st.fixed_dictionaries({}, optional={"a": values, "b.c": values})
spots = st.one_of(
    pick(SPOTS).map(lambda spot: {"lat": spot[0], "lon": spot[1]}),
    pick([{"lat": "31.22", "lon": "121.47"}, {"lat": 91, "lon": 0}, {"lat": 31.2}, {"lat": True, "lon": 0}, "31,121"]),
)
operands = st.one_of(texts, numbers, st.booleans())
orderables = st.one_of(texts, numbers)
spans = pick(["5 minutes", "3 hours", "1 day", "7 days", "2 weeks", "1 month", "3 months", "1 year"])
folding = st.fixed_dictionaries({}, optional={"ignore_case": st.booleans()})
