"""How large and how deep what is posted may be."""

EVENT_BYTES = 32 * 1024
"""One event, as published by the Segment specification."""

BATCH_BYTES = 500 * 1024
"""One request after inflating, as published by the Segment specification."""

SPREAD_BYTES = 4 * 1024 * 1024
"""What a batch's own context may weigh once each of its calls has it."""

DEPTH = 32
"""Objects and lists within each other."""

NAME_CHARACTERS = 255
MESSAGE_ID_CHARACTERS = 255
