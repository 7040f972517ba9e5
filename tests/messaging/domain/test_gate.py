"""The gate: why a person is not written to on a channel."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.messaging.domain.channel import Capabilities
from services.messaging.domain.gate import Reach, judge
from services.messaging.domain.intent import Drop, Intent, Take
from services.messaging.domain.policy import Policy

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
LATER = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NUMBER = "+8613912340001"


@pytest.mark.parametrize(
    ("reach", "verdict"),
    [
        (Reach("granted", address=NUMBER, contact_state="declared"), Take("sms")),
        (Reach("granted"), Drop("no_address", {}, "sms")),
        (Reach("granted", contact_state="taken"), Drop("no_address", {"contact_state": "taken"}, "sms")),
        (
            Reach("granted", address=NUMBER, contact_state="bounced"),
            Drop("address_bad", {"contact_state": "bounced"}, "sms"),
        ),
    ],
)
def test_a_message_goes_where_there_is_an_address_of_his_and_else_the_reason_says_why(
    reach: Reach, verdict: Drop | Take
) -> None:
    intent = Intent(1, UUID(int=1), 1, ("sms",), LATER)
    assert judge(intent, {"sms": reach}, {"sms": Capabilities()}, Policy(), NOW) == verdict
