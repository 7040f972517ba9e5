"""What is known of phone numbers without parsing them: fillers, and the spellings that others hash."""

BLOCKED_PHONES = frozenset(
    {
        "+8613800138000",  # the operator's hotline, the filler of Chinese forms; libphonenumber calls it a valid mobile
        "+8613800000000", "+8613000000000", "+8613900000000", "+8615000000000", "+8615800000000", "+8618000000000",
        "+8618800000000", "+8618888888888", "+8613888888888", "+8613333333333", "+8613111111111", "+8613666666666",
        "+8613999999999", "+8615555555555",
    }
)  # fmt: skip
"""Valid numbers that people and programs type when they have none."""


def spellings(e164: str) -> tuple[str, ...]:
    """Return the spellings under which a number is hashed elsewhere: national, with and without the plus.

    A North American number without its plus reads like a Chinese one (13125551234), so only the full form is its own.
    """
    if e164.startswith("+1"):
        return (e164,)
    national = e164[3:] if e164.startswith("+86") else e164.lstrip("+")
    return tuple(dict.fromkeys((national, e164[1:], e164)))
