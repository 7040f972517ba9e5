"""Whose calendar and clock an operator reads: the workspace's, or the person's own."""

from datetime import datetime

from services.segment.domain.columns import ValueColumns
from services.segment.domain.condition import Inquiry
from services.segment.domain.reader import Reader


def read_zone(reader: Reader) -> bool:
    """Return whether the person's own time zone is asked for."""
    given = reader.get("zone")
    return given is not None and given.one_of("workspace", "person") == "person"


def shown_there(instant: datetime, format_: str, value: ValueColumns, inquiry: Inquiry) -> str:
    """Return the SQL of what the clock shows at an instant where the person lives, written so."""
    return f"formatDateTime({inquiry.bind.time(instant)}, '{format_}', {value.zone})"


def today_there(value: ValueColumns, inquiry: Inquiry) -> str:
    """Return the SQL of the day it is where the person lives, as YYYYMMDD."""
    return shown_there(inquiry.moment.now, "%Y%m%d", value, inquiry)
