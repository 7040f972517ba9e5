"""The check digit of cards and phones (Luhn, ISO/IEC 7812-1)."""


def passes_luhn(digits: str) -> bool:
    """Return whether the last digit is what the others make it."""
    weighed = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in weighed) % 10 == 0
