"""Each row of the table "what each call is as evidence", and the clock and identifier rules."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.access.model import Source
from libs.common.ids import new_id
from libs.common.personal import Sealer
from libs.common.registry import discover
from services.identity import namespaces
from services.identity.domain.calls import Call, event_time, read_call
from services.identity.domain.policy import NamespaceKind, PolicySet
from services.identity.domain.publication import record_event
from services.identity.domain.reading import Reading, RecordedCall, namespaces_by_name, read_evidence

KINDS = discover(namespaces, "namespace", NamespaceKind)
BY_NAME = namespaces_by_name(KINDS)
POLICIES = PolicySet(version=3, policies={kind.name: kind.policy for kind in KINDS})
NOW = datetime(2031, 5, 3, 12, tzinfo=UTC)
BROWSER = Source(source_id=7, workspace_id=1, key="web", name="Web")
SERVER = Source(source_id=8, workspace_id=1, key="api", name="Server", kind="server", trusted=True, best_tier=1)
UNIONID = "oABC1-xyz_qqqqqqqqqqqqqqqqqq"


def a_call(**body: Any) -> RecordedCall:
    kind = body.pop("type", "track")
    imported = body.pop("imported", False)
    return RecordedCall(
        workspace_id=1,
        event_id=new_id(),
        source_id=7,
        received_at=NOW,
        event_time=NOW,
        original_time=None,
        kind=kind,
        name=body.get("event", f"${kind}"),
        message_id="m1",
        imported=imported,
        live=True,
        body=body,
    )


def read(source: Source = BROWSER, **body: Any) -> Reading:
    return read_evidence(a_call(**body), source, BY_NAME, POLICIES)


def facts(reading: Reading) -> list[tuple[str, int, list[str]]]:
    return [(fact.kind, fact.tier, [str(one) for one in fact.identifiers]) for fact in reading.evidence]


@pytest.mark.parametrize("kind", ["identify", "track", "page", "screen", "group"])
def test_a_call_with_user_and_visitor_is_a_login_at_the_sources_best_tier(kind: str) -> None:
    both = {"type": kind, "userId": "u1", "anonymousId": "a1"}
    assert facts(read(**both)) == [("login", 2, ["user_id@main:u1", "cookie:a1"])]
    assert facts(read(SERVER, **both)) == [("login", 1, ["user_id@main:u1", "cookie:a1"])]


def test_declared_contact_points_are_bound_at_tier_2_whoever_sends_them() -> None:
    traits = {"email": "Wang@Example.com", "phone": "13812345678"}
    for source, tier in ((BROWSER, 2), (SERVER, 1)):
        assert facts(read(source, type="identify", userId="u1", traits=traits)) == [
            ("login", tier, ["user_id@main:u1"]),
            ("bind", 2, ["user_id@main:u1", "phone:+8613812345678", "email:wang@example.com"]),
        ]


def test_only_a_server_key_can_say_verified() -> None:
    traits = {"phone": "13812345678", "verified": True}
    assert facts(read(SERVER, type="identify", userId="u1", traits=traits))[1:] == [
        ("bind", 1, ["user_id@main:u1", "phone:+8613812345678"])
    ]
    assert facts(read(BROWSER, type="identify", userId="u1", traits=traits))[1:] == [
        ("bind", 2, ["user_id@main:u1", "phone:+8613812345678"])
    ]


def test_a_public_key_never_reaches_tier_1_however_it_is_declared() -> None:
    poisoned = msgspec.structs.replace(BROWSER, best_tier=0)
    external = [{"id": UNIONID, "type": "wx_unionid", "collection": "op1", "verified": True}]
    reading = read(
        poisoned,
        type="identify",
        userId="u1",
        traits={"email": "a@b.cn", "verified": True},
        context={"externalIds": external},
    )
    assert reading.evidence
    assert all(fact.tier >= 2 and fact.kind != "must_link" for fact in reading.evidence)


def test_several_ids_without_a_user_are_an_observation() -> None:
    context = {"device": {"id": "A1B2C3D4-0000-4000-8000-ABCDEF123456"}}
    assert facts(read(SERVER, anonymousId="a1", context=context)) == [
        ("observe", 3, ["device:a1b2c3d4-0000-4000-8000-abcdef123456", "cookie:a1"])
    ]


def test_a_visitor_who_leaves_an_address_is_bound_to_it() -> None:
    assert facts(read(anonymousId="a1", traits={"email": "a@b.cn"})) == [
        ("observe", 3, ["cookie:a1"]),
        ("bind", 2, ["email:a@b.cn", "cookie:a1"]),
    ]


def test_an_alias_is_a_bind_at_the_sources_tier_and_never_a_must_link() -> None:
    alias = {"type": "alias", "userId": "u1", "previousId": "a1"}
    assert facts(read(**alias)) == [("bind", 2, ["user_id@main:u1", "cookie:a1"])]
    assert facts(read(SERVER, **alias)) == [("bind", 1, ["user_id@main:u1", "cookie:a1"])]


def test_signed_out_is_a_logout_under_the_name_the_source_gives_it() -> None:
    assert facts(read(event="Signed Out", userId="u1", anonymousId="a1"))[0][0] == "logout"
    german = msgspec.structs.replace(BROWSER, logout_event="Abgemeldet")
    assert facts(read(german, event="Abgemeldet", userId="u1"))[0][0] == "logout"
    assert facts(read(german, event="Signed Out", userId="u1"))[0][0] == "login"


def test_external_ids_name_their_namespace_and_scope() -> None:
    external = [
        {"id": UNIONID, "type": "unionid", "collection": "op1", "encoding": "none"},
        {"id": UNIONID[:28], "type": "wx_openid", "collection": "wxapp1"},
        {"id": "M-77", "type": "member_id", "collection": "users"},
        {"id": "d" * 31 + "e", "type": "phone", "encoding": "MD5"},
    ]
    reading = read(userId="u1", context={"externalIds": external})
    assert {str(one) for one in reading.identifiers} == {
        "user_id@main:u1", f"wx_unionid@op1:{UNIONID}", f"wx_openid@wxapp1:{UNIONID[:28]}", "member_id@main:M-77",
        "phone_md5:" + "d" * 31 + "e",
    }  # fmt: skip


def test_an_openid_without_its_app_is_nobodys() -> None:
    reading = read(
        userId="u1", context={"externalIds": [{"id": UNIONID, "type": "openid"}, {"id": "x", "type": "shoe"}]}
    )
    assert [(one.namespace, one.reason, one.pointer) for one in reading.invalid] == [
        ("wx_openid", "no_scope", "/context/externalIds/0/id"),
        ("shoe", "unknown_namespace", "/context/externalIds/1/id"),
    ]


def test_a_verified_unionid_and_phone_from_a_server_bridge_at_tier_1() -> None:
    external = [
        {"id": UNIONID, "type": "wx_unionid", "collection": "op1", "verified": True},
        {"id": "13812345678", "type": "phone", "verified": True},
    ]
    assert facts(read(SERVER, context={"externalIds": external})) == [
        ("bind", 1, [f"wx_unionid@op1:{UNIONID}", "phone:+8613812345678"])
    ]


def test_an_imported_row_is_an_import() -> None:
    imports = Source(source_id=9, workspace_id=1, key="crm", name="CRM", kind="import", best_tier=2, issuer="crm")
    row = {"type": "identify", "userId": "u1", "traits": {"phone": "13812345678"}, "imported": True}
    assert facts(read(imports, **row)) == [("import", 2, ["user_id@crm:u1", "phone:+8613812345678"])]


def test_invalid_values_are_named_and_leave_the_rest() -> None:
    reading = read(type="identify", userId="undefined", anonymousId="a1", traits={"phone": "138****8000", "email": "x"})
    assert {(one.pointer, one.reason) for one in reading.invalid} == {
        ("/userId", "filler"),
        ("/traits/phone", "masked"),
        ("/traits/email", "not_an_email"),
    }
    assert reading.subject is not None
    assert str(reading.subject) == "cookie:a1"


def test_the_subject_is_the_strongest_identifier_then_the_smaller_bytes() -> None:
    external = [{"id": "Z9", "type": "crm_id"}, {"id": "B2", "type": "member_id"}]
    subject = read(userId="C3", anonymousId="A0", context={"externalIds": external}).subject
    assert str(subject) == "member_id@main:B2"


def test_a_group_calls_traits_are_not_the_persons() -> None:
    assert facts(read(type="group", userId="u1", groupId="g", traits={"email": "office@firm.cn"})) == [
        ("login", 2, ["user_id@main:u1"])
    ]


def test_the_region_of_the_source_reads_its_phones() -> None:
    german = msgspec.structs.replace(BROWSER, default_region="DE")
    assert facts(read(german, userId="u", traits={"phone": "0151 23456789"}))[1][2][1] == "phone:+4915123456789"


def test_what_is_published_seals_the_personal_part_only() -> None:
    sealer = Sealer({1: bytes(32)})
    call = a_call(
        type="page", userId="u1", name="Basket", properties={"total": 12.5, "email": "a@b.cn"}, traits={},
        context={"ip": "1.2.3.4", "locale": "zh-CN"},
    )  # fmt: skip
    event = record_event(
        call, person_no=4, person_id=new_id(), subject_no=9, identifier_nos=[9], authenticated=False, sealer=sealer
    )
    assert event.id == call.event_id
    assert msgspec.json.decode(event.properties) == {"total": 12.5, "name": "Basket"}
    assert msgspec.json.decode(event.context) == {"locale": "zh-CN"}
    assert event.sealed is not None
    assert sealer.open_json(event.sealed) == {
        "properties": {"email": "a@b.cn"}, "traits": {}, "context": {"ip": "1.2.3.4"},
    }  # fmt: skip


def called(**body: Any) -> Call:
    call = read_call(msgspec.json.encode({"type": "track", "event": "E", "userId": "u", **body}))
    assert isinstance(call, Call), call
    return call


def test_a_devices_clock_is_corrected_by_its_own_sent_at() -> None:
    hour_behind = called(timestamp="2031-05-03T10:30:00Z", sentAt="2031-05-03T11:00:00Z")
    assert event_time(hour_behind, NOW, sent_at=None, correct=True) == NOW - timedelta(minutes=30)
    assert event_time(hour_behind, NOW, sent_at=None, correct=False) == datetime(2031, 5, 3, 10, 30, tzinfo=UTC)


def test_a_clock_ahead_is_clamped_to_five_minutes() -> None:
    ahead = called(timestamp="2099-01-01T00:00:00Z")
    assert event_time(ahead, NOW, sent_at=None, correct=True) == NOW + timedelta(minutes=5)


def test_an_old_event_keeps_its_time() -> None:
    old = called(timestamp="2011-01-01T00:00:00+08:00")
    assert event_time(old, NOW, sent_at=None, correct=True) == datetime(2010, 12, 31, 16, tzinfo=UTC)
    assert event_time(called(), NOW, sent_at=None, correct=True) == NOW


@given(st.permutations(["userId", "messageId", "event", "properties", "timestamp"]), st.booleans())
def test_spelling_and_transport_are_no_part_of_the_content(order: list[str], spaced: bool) -> None:
    body = {
        "type": "track", "userId": "u", "messageId": "m", "event": "E", "properties": {"b": 1, "a": [1, {"z": 0.5}]},
        "timestamp": "2031-05-03T10:30:00Z",
    }  # fmt: skip
    raw = msgspec.json.encode({name: body[name] for name in [*order, "type"]} | {"sentAt": "2031-05-03T10:30:01Z"})
    other = read_call(msgspec.json.format(raw, indent=2 if spaced else 0))
    first = read_call(msgspec.json.encode({k: v for k, v in body.items() if k != "type"} | {"writeKey": "k"}), "track")
    assert isinstance(other, Call)
    assert isinstance(first, Call)
    assert other.content_hash == first.content_hash
    assert b"writeKey" not in first.payload


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_fields = st.sampled_from(
    [
        "type",
        "event",
        "userId",
        "anonymousId",
        "traits",
        "properties",
        "context",
        "timestamp",
        "sentAt",
        "messageId",
        "groupId",
    ]
)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.dictionaries(_fields, _json).map(msgspec.json.encode),
        _json.map(msgspec.json.encode),
    )
)
def test_no_body_at_all_breaks_the_reader(raw: bytes) -> None:
    for kind in (None, "track", "identify"):
        call = read_call(raw, kind)
        if isinstance(call, Call):
            recorded = a_call(**{**call.body, "type": call.kind})
            reading = read_evidence(recorded, BROWSER, BY_NAME, POLICIES)
            assert all(fact.identifiers for fact in reading.evidence)
