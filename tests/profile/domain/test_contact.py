"""Contact points and their states."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.profile.domain.contact import (
    Address,
    Report,
    canonical_address,
    contact_points,
    masked,
    point_for,
    usable_channels,
    with_sharing,
)

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


taken = st.dictionaries(st.sampled_from([b"a", b"b", b"c"]), st.integers(0, 6).map(at), max_size=2)


@given(addresses, reports, taken, st.randoms(use_true_random=False))
def test_the_order_does_not_matter_and_one_usable_address_is_preferred(known, said, lost, random):
    points = contact_points(known, said, lost)
    random.shuffle(known)
    random.shuffle(said)
    again = contact_points(known, said, lost)
    assert [(p.address.lookup, p.state, p.preferred) for p in again] == [
        (p.address.lookup, p.state, p.preferred) for p in points
    ]
    assert {p.address.lookup for p in points if p.state == "taken"} == {a.lookup for a in known} & set(lost)
    usable = [p for p in points if p.state not in ("bounced", "complained", "taken")]
    assert sum(p.preferred for p in points) == (1 if usable else 0)


def test_a_bounce_makes_the_next_address_the_preferred_one():
    known = [address("old", last=1, verified=1), address("new", last=2)]
    states = {
        p.address.lookup: (p.state, p.preferred) for p in contact_points(known, [Report("email", "bounced", at(3))])
    }
    assert states == {b"old": ("bounced", False), b"new": ("declared", True)}


def test_a_bounce_after_an_address_was_taken_is_about_the_next_one_and_one_before_it_is_not():
    known = [address("lost", last=2, verified=1), address("kept")]
    for hour, kept in ((5, "bounced"), (3, "declared")):
        points = contact_points(known, [Report("email", "bounced", at(hour))], {b"lost": at(4)})
        assert {p.address.lookup: p.state for p in points} == {b"lost": "taken", b"kept": kept}


def test_case_13_an_address_that_is_anothers_is_no_way_to_reach_him():
    point = contact_points([address("a")], [], {b"a": at(0)})
    assert point_for(point, "email") == point[0] and not point[0].preferred
    assert usable_channels(point) == set()
    other = contact_points([address("a", last=5), address("b")], [Report("email", "complained", at(1))], {b"a": at(0)})
    assert point_for(other, "email").address.lookup == b"b"


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


@pytest.mark.parametrize(
    ("text", "region", "canonical"),
    [
        ("138 0013 8001", "CN", "+8613800138001"), ("0086-138-0013-8001", None, "+8613800138001"),
        ("138 0013 8001", None, "13800138001"), ("+86 138 0013 8001", "US", "+8613800138001"),
        ("00000000", "CN", "00000000"), ("138****8001", "CN", None), ("(415) 555-2671", "US", "+14155552671"),
    ],
)  # fmt: skip
def test_a_telephone_number_is_spelled_as_identity_spells_it_where_that_is_no_guess(text, region, canonical):
    assert canonical_address("phone", text, region) == canonical


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
