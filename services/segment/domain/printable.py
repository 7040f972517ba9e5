"""What of a definition cannot be written down and read again, whatever it says: a draft is held to this alone."""

from services.segment.domain.fault import Fault
from services.segment.domain.reader import LARGEST, Reader, is_beyond

DEEPEST_VALUE = 250
"""Of lists and objects in each other: groups nested as deep as they may be, and what conditions hold, come to 220."""


def unprintable(body: object, pointer: str) -> list[Fault]:
    """Return where the JSON value is nested too deep, or holds half of a surrogate pair or a number beyond floats."""
    faults: list[Fault] = []
    waiting = [(Reader(body, pointer, faults), 0)]
    while waiting:
        place, depth = waiting.pop()
        value = place.value
        if depth > DEEPEST_VALUE:
            place.refuse(f"lists and objects are nested deeper than {DEEPEST_VALUE}")
        elif isinstance(value, str) and not is_unicode(value):
            place.refuse("the text is not valid unicode")
        elif is_beyond(value):
            place.refuse(f"a number between -{LARGEST:.3g} and {LARGEST:.3g} is expected")
        elif isinstance(value, list):
            waiting += [(place.at(position), depth + 1) for position in range(len(value))]
        elif isinstance(value, dict):
            named = [key for key in value if is_unicode(key)]
            if len(named) < len(value):
                # a pointer to the member could not be written down either
                place.refuse("the name of a member is not valid unicode")
            waiting += [(place.at(key), depth + 1) for key in named]
    return faults


def is_unicode(text: str) -> bool:
    """Tell whether a text has no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
