"""within_circle, within_polygon: a place on the globe, kept as an object with lat and lon."""

from dataclasses import dataclass

from services.segment.domain.columns import ValueColumns
from services.segment.domain.condition import Inquiry, OperatorKind, Test
from services.segment.domain.reader import Reader
from services.segment.domain.shape import PLACE, Example, Shape, listed, number
from services.segment.domain.values import Facet

EARTH_METRES = 6_371_008.8
"""The mean radius (IUGG): distances are those on a sphere, within half a percent of the ellipsoid's."""
HALF_ROUND_METRES = 20_016_000
MOST_CORNERS = 500

Place = tuple[float, float]


@dataclass(frozen=True)
class _Columns:
    """SQL of a latitude and longitude in degrees, and of "it is a place"."""

    lat: str
    lon: str
    known: str


@dataclass(frozen=True)
class WithinCircle(Test):
    """The place lies at most `metres` from the centre, along the sphere."""

    centre: Place
    metres: float

    def predicate(self, value: ValueColumns, inquiry: Inquiry) -> str:
        """Return the SQL of it, before negation."""
        place, bind = _place(value, inquiry), inquiry.bind
        lat, lon = bind.float(self.centre[0]), bind.float(self.centre[1])
        north, east = f"pow(sin(radians({place.lat} - {lat}) / 2), 2)", f"pow(sin(radians({place.lon} - {lon}) / 2), 2)"
        haversine = f"{north} + cos(radians({place.lat})) * cos(radians({lat})) * {east}"
        metres = f"2 * {bind.float(EARTH_METRES)} * asin(least(1., sqrt({haversine})))"
        return f"({place.known} and {metres} <= {bind.float(self.metres)})"


@dataclass(frozen=True)
class WithinPolygon(Test):
    """The place lies inside the polygon, whose sides are straight in degrees and do not cross the 180th meridian."""

    corners: tuple[Place, ...]

    def predicate(self, value: ValueColumns, inquiry: Inquiry) -> str:
        """Return the SQL of it, before negation."""
        place, bind = _place(value, inquiry), inquiry.bind
        following = (*self.corners[1:], self.corners[0])
        sides = (
            bind.floats([corner[axis] for corner in corners])
            for corners in (self.corners, following)
            for axis in (0, 1)
        )
        # a ray to the east crosses the sides an odd number of times
        west = f"(d - b) * ({place.lat} - a) / (c - a) + b"
        crossed = f"(a, b, c, d) -> (a > {place.lat}) != (c > {place.lat}) and {place.lon} < {west}"
        return f"({place.known} and arrayCount({crossed}, {', '.join(sides)}) % 2 = 1)"


def _place(value: ValueColumns, inquiry: Inquiry) -> _Columns:
    if value.inside is None:
        return _Columns("0.", "0.", "0")
    bind = inquiry.bind
    lat, lon = value.inside("lat"), value.inside("lon")
    parts = [
        f"{one.has(Facet.NUMERIC)} and abs({one.number}) <= {bind.float(most)}"
        for one, most in ((lat, 90.0), (lon, 180.0))
    ]
    return _Columns(lat.number, lon.number, " and ".join(parts))


def _read_place(reader: Reader) -> Place:
    reader.only("lat", "lon")
    return reader.need("lat").number(-90, 90), reader.need("lon").number(-180, 180)


def _parse(name: str, reader: Reader) -> Test:
    if name == "within_circle":
        if reader.get("corners"):
            raise reader.at("corners").refuse("a circle has a `center` and a `radius_m`")
        return WithinCircle(_read_place(reader.need("center")), reader.need("radius_m").number(0, HALF_ROUND_METRES))
    for member in ("center", "radius_m"):
        if reader.get(member):
            raise reader.at(member).refuse("a polygon has `corners`")
    corners = reader.need("corners").items(at_least=3, at_most=MOST_CORNERS)
    return WithinPolygon(tuple(_read_place(corner) for corner in corners))


operator = OperatorKind(
    ("within_circle", "within_polygon"),
    ("center", "radius_m", "corners"),
    _parse,
    (
        Shape({"center": PLACE, "radius_m": number(0, HALF_ROUND_METRES)}, ops=("within_circle",)),
        Shape({"corners": listed(PLACE, 3, MOST_CORNERS)}, ops=("within_polygon",)),
    ),
    (
        Example(
            "at most five kilometres from the shop",
            {"op": "within_circle", "center": {"lat": 31.2304, "lon": 121.4737}, "radius_m": 5000},
        ),
        Example(
            "in the area",
            {
                "op": "within_polygon",
                "corners": [{"lat": 31.1, "lon": 121.3}, {"lat": 31.1, "lon": 121.6}, {"lat": 31.4, "lon": 121.5}],
            },
        ),
    ),
    fits=("object",),
)
