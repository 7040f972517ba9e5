"""Contact points and their states."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.profile.domain.contact import Address, Report, canonical_address, contact_points, masked, with_sharing

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(hour: int) -> datetime:
    return START + timedelta(hours=hour)


def address(name: str, *, first: int = 0, last: int = 0, verified: int | None = None) -> Address:
    return Address(
        kind="email", scope="", lookup=name.encode(), sealed=b"", first_time=at(first), last_time=at(last),
        verified_at=None if verified is None else at(verified),
    )  # fmt: skip


addresses = st.lists(
    st.builds(
        lambda name, first, more, verified: address(name, first=first, last=first + more, verified=verified),
        st.sampled_from("abc"), st.integers(0, 3), st.integers(0, 3), st.one_of(st.none(), st.integers(0, 6)),
    ),
    max_size=5,
)  # fmt: skip
reports = st.lists(
    st.builds(
        lambda state, hour: Report("email", state, at(hour)),
        st.sampled_from(["bounced", "unsubscribed", "complained"]),
        st.integers(0, 6),
    ),
    max_size=4,
)


@given(addresses, reports, st.randoms(use_true_random=False))
def test_the_order_does_not_matter_and_one_usable_address_is_preferred(known, said, random):
    points = contact_points(known, said)
    random.shuffle(known)
    random.shuffle(said)
    again = contact_points(known, said)
    assert [(p.address.lookup, p.state, p.preferred) for p in again] == [
        (p.address.lookup, p.state, p.preferred) for p in points
    ]
    usable = [p for p in points if p.state not in ("bounced", "complained")]
    assert sum(p.preferred for p in points) == (1 if usable else 0)


def test_a_bounce_makes_the_next_address_the_preferred_one():
    known = [address("old", last=1, verified=1), address("new", last=2)]
    states = {
        p.address.lookup: (p.state, p.preferred) for p in contact_points(known, [Report("email", "bounced", at(3))])
    }
    assert states == {b"old": ("bounced", False), b"new": ("declared", True)}


def test_a_verification_after_the_bounce_makes_the_address_good_again():
    [point] = contact_points([address("a", verified=5)], [Report("email", "bounced", at(3))])
    assert point.state == "verified"


@pytest.mark.parametrize(
    ("kind", "text", "canonical"),
    [
        ("email", " Anna@Example.COM ", "anna@example.com"), ("email", "nobody", None),
        ("phone", "+86 139-1234-0001", "+8613912340001"), ("phone", "138****8000", None),
        ("phone", "\uff11\uff13\uff19" + "1234", "1391234"),
        ("wx_openid", "oABC-_1", "oABC-_1"), ("push_token", "", None),
    ],
)  # fmt: skip
def test_an_address_has_one_spelling(kind, text, canonical):
    assert canonical_address(kind, text) == canonical


def test_a_masked_address_does_not_identify():
    assert masked("email", "anna@example.com") == "a***@example.com"
    assert masked("phone", "+8613912340001") == "+86139****0001"
    assert masked("phone", "12345") == "****"


def test_whoever_else_has_an_address_is_counted_and_nobody_named():
    known = contact_points([address("family"), address("own")], [])
    shared = {p.address.lookup: p.shared_with for p in with_sharing(known, 7, {b"family": {7, 8, 9}, b"own": {7}})}
    assert shared == {b"family": 2, b"own": 0}
    crowd = with_sharing(known, 7, {b"family": range(1_000)})
    assert {p.address.lookup: p.shared_with for p in crowd} == {b"family": 100, b"own": 0}
