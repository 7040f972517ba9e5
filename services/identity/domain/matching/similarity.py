"""How alike two texts are, exactly as DuckDB says it: over the bytes of UTF-8."""

from datetime import date


def jaro_winkler(one: str, other: str) -> float:
    """Return the Jaro-Winkler similarity, 0 to 1: Jaro, raised by a common beginning of up to 4 bytes above 0.7."""
    a, b = one.encode(), other.encode()
    jaro = _jaro(a, b)
    if jaro <= 0.7:
        return jaro
    prefix = 0
    for left, right in zip(a[:4], b[:4], strict=False):
        if left != right:
            break
        prefix += 1
    return jaro + prefix * 0.1 * (1 - jaro)


def _jaro(a: bytes, b: bytes) -> float:
    if a == b:
        return 1.0
    if not a or not b:
        return 0.0
    reach = max(0, max(len(a), len(b)) // 2 - 1)
    taken = [False] * len(b)
    mine: list[int] = []
    for position, byte in enumerate(a):
        for place in range(max(0, position - reach), min(len(b), position + reach + 1)):
            if not taken[place] and b[place] == byte:
                taken[place] = True
                mine.append(byte)
                break
    if not mine:
        return 0.0
    theirs = [byte for byte, was in zip(b, taken, strict=True) if was]
    swapped = sum(left != right for left, right in zip(mine, theirs, strict=True)) // 2
    common = len(mine)
    return (common / len(a) + common / len(b) + (common - swapped) / common) / 3


def levenshtein(one: str, other: str) -> int:
    """Return the fewest insertions, deletions and replacements of bytes that make one text the other."""
    a, b = one.encode(), other.encode()
    row = list(range(len(b) + 1))
    for number, left in enumerate(a, 1):
        before, row[0] = row[0], number
        for place, right in enumerate(b, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (left != right))
    return row[-1]


def days_apart(one: str, other: str) -> int:
    """Return how many days lie between two dates of the form YYYY-MM-DD."""
    return abs((date.fromisoformat(one) - date.fromisoformat(other)).days)
