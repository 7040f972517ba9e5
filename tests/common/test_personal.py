"""Personal values: sealed, found without being readable, never printed."""

import base64
import json
import logging

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.personal import (
    REDACTED,
    Personal,
    SealBroken,
    Sealer,
    Vault,
    is_personal,
    merge_personal,
    split_personal,
)
from libs.common.telemetry.setup import JsonLines

OLD, NEW = b"o" * 32, b"n" * 32
NAMES = st.sampled_from(["email", "phone", "city", "total", "address", "items", "name", "openid", "colour"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.binary())
def test_what_is_sealed_opens_and_never_looks_the_same_twice(clear):
    sealer = Sealer({1: OLD})
    one, other = sealer.seal(clear), sealer.seal(clear)
    assert one != other
    assert sealer.open(one) == sealer.open(other) == clear


def test_a_changed_byte_does_not_open():
    sealer = Sealer({1: OLD})
    sealed = bytearray(sealer.seal(b"mei@example.com"))
    for position in range(len(sealed)):
        changed = bytes(sealed[:position]) + bytes([sealed[position] ^ 1]) + bytes(sealed[position + 1 :])
        with pytest.raises(SealBroken):
            sealer.open(changed)


def test_after_a_rotation_the_new_key_seals_the_old_one_opens_and_look_ups_stay():
    before, after = Sealer({1: OLD}), Sealer({1: OLD, 2: NEW})
    sealed = before.seal(b"mei@example.com")
    assert after.open(sealed) == b"mei@example.com"
    assert after.seal(b"x")[1] == 2
    with pytest.raises(SealBroken):
        before.open(after.seal(b"x"))
    assert before.lookup("email", b"mei@example.com") == after.lookup("email", b"mei@example.com")


def test_look_ups_differ_by_namespace_and_workspace():
    sealer = Sealer({1: OLD})
    assert sealer.lookup("email", b"a") != sealer.lookup("phone", b"a")
    assert sealer.lookup("email", b"a") != Sealer({1: NEW}).lookup("email", b"a")


def test_another_master_key_opens_no_data_key():
    master = [base64.b64encode(key).decode() for key in (OLD, NEW)]
    wrapped = {"1": Vault(master[0]).new_data_key()}
    assert Vault(master[0]).sealer(wrapped).seal(b"x")
    with pytest.raises(SealBroken):
        Vault(master[1]).sealer(wrapped)


def test_a_personal_value_prints_redacted_and_reveals_when_asked():
    value = Personal("mei@example.com")
    assert {str(value), repr(value), f"{value}", f"{value:>20}", repr([value])} == {REDACTED, f"[{REDACTED}]"}
    assert value.reveal() == "mei@example.com"
    assert type(value.reveal()) is str


def test_a_personal_value_shows_in_no_log_line():
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "asked for %s", (Personal("mei@example.com"),), None)
    record.address = Personal("mei@example.com")
    record.several = {"to": [Personal("mei@example.com")], Personal("mei@example.com"): (Personal("mei@example.com"),)}
    line = JsonLines().format(record)
    assert "mei@" not in line
    assert json.loads(line)["message"] == f"asked for {REDACTED}"


def test_a_personal_value_is_not_encoded_by_mistake():
    with pytest.raises(TypeError):
        msgspec.json.encode({"address": Personal("mei@example.com")})


def test_what_is_personal_by_default():
    personal = ["email", "phone", "firstName", "address", "birthday", "ip", "advertisingId", "deviceId", "openid"]
    assert [name for name in personal if not is_personal(name)] == []
    assert not is_personal("name")
    assert is_personal("name", "trait")
    assert is_personal("colour", overrides={"colour": True})
    assert not is_personal("email", overrides={"email": False})


@pytest.mark.parametrize("name", [
    "receiver_name", "receiverPhone", "billingAddress", "contact-email", "customer.email", "buyerName", "ip_address",
    "shipping_address", "SHIPPING_ADDRESS", "homePhone2", "收货人手机号", "姓名", "wx_openid", "userName",
    "ReceiverNAME",
])  # fmt: skip
def test_a_name_made_of_words_is_personal_by_what_it_ends_in(name):
    assert is_personal(name)


@pytest.mark.parametrize("name", [
    "product_name", "campaignName", "name", "email_opt_in", "phones_sold", "addressed", "city", "商品名称",
    "event_name",
    "", "total", "store.name", "tel_count", "mobile_friendly", "username_length",
])  # fmt: skip
def test_a_name_that_only_has_such_a_word_in_it_is_plain(name):
    assert not is_personal(name)


@given(st.dictionaries(NAMES, VALUES))
def test_the_plain_and_the_personal_part_make_the_whole(values):
    plain, personal = split_personal(values)
    assert merge_personal(plain, personal) == values
    assert not {name for name in plain if is_personal(name)}
