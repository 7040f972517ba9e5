"""Every namespace spells a value one way, and refuses what is nobody's."""

import hashlib
import json

import phonenumbers
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from libs.common.registry import discover
from services.identity import namespaces
from services.identity.domain.policy import Canonical, InvalidValue, NamespaceKind
from tests.identity.collection.shared_data import shared_file

NAMESPACES = {each.name: each for each in discover(namespaces, "namespace", NamespaceKind)}


def canonical(namespace: str, value: str, region: str | None = "CN") -> str | None:
    outcome = NAMESPACES[namespace].canonical(value, region)
    return outcome.value if isinstance(outcome, Canonical) else None


def refused(namespace: str, value: str, region: str | None = "CN") -> str:
    outcome = NAMESPACES[namespace].canonical(value, region)
    assert isinstance(outcome, InvalidValue), outcome
    return outcome.reason


def test_the_published_cases_hold() -> None:
    for case in json.loads(shared_file("cases/normalisation_sample.json").read_text()):
        for value in (case["input"], *case.get("also", ())):
            outcome = canonical(case["namespace"], value, case["default_region"])
            assert outcome == case["expect"].get("canonical"), case["id"]


def test_the_default_table_is_whole() -> None:
    assert set(NAMESPACES) >= {
        "user_id", "member_id", "crm_id", "member_card", "wx_unionid", "phone", "wx_external_userid", "email",
        "wx_openid", "taobao_id", "jd_id", "douyin_id", "phone_md5", "phone_sha256", "email_sha256", "device", "cookie",
        "session",
    }  # fmt: skip


def test_no_two_namespaces_share_a_name() -> None:
    names = [name for each in NAMESPACES.values() for name in {each.name, *each.aliases}]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("13800138000", "filler"),
        ("+86 138-0013-8000", "filler"),
        ("138****8000", "masked"),
        ("138xxxx8000", "masked"),
        ("00000000", "filler"),
        ("12345678901", "not_valid"),
        ("95588", "not_valid"),
        ("400-820-8820", "not_mobile"),
        ("010-62345678", "not_mobile"),
        ("1-800-FLOWERS", "letters"),
        ("13812345678 ext 12", "letters"),
        ("", "blank"),
        ("undefined", "filler"),
        ("1" * 600, "too_long"),
    ],
)
def test_case_06_a_phone_that_is_nobodys_is_refused(value: str, reason: str) -> None:
    assert refused("phone", value) == reason


@pytest.mark.parametrize(
    "value",
    [
        "13812345678",
        "+86 138 1234 5678",
        "(+86) 138-1234-5678",
        "8613812345678",
        "0086 13812345678",
        "\u202d13812345678\u202c",
    ],
)
def test_a_phone_has_one_spelling(value: str) -> None:
    assert canonical("phone", value) == "+8613812345678"


def test_a_national_number_without_a_region_is_refused() -> None:
    assert refused("phone", "13812345678", None) == "no_region"


def test_id18_valid_mobile_numbers_are_never_confused() -> None:
    numbers = [f"+861381234{tail:04d}" for tail in range(0, 10_000, 37)]
    assert len({canonical("phone", number) for number in numbers}) == len(numbers)


@pytest.mark.parametrize(
    "value",
    ["null", "None", "undefined", "NaN", "0", "-1", "true", "FALSE", "anonymous", "guest", "test", "void",
     "[object Object]", "000000", "00000000-0000-0000-0000-000000000000", '"null"', "'undefined'", "  null  ",
     "\u201cnone\u201d"],
)  # fmt: skip
def test_a_user_id_that_programs_send_for_nothing_is_refused(value: str) -> None:
    assert refused("user_id", value) == "filler"


def test_a_user_id_keeps_its_case_and_its_zeros() -> None:
    assert canonical("user_id", " Ab00 ") == "Ab00"
    assert canonical("user_id", "\uff21\uff22\uff11\uff12") == "AB12"


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("Wang.Fang+News@Gmail.COM", "wang.fang+news@gmail.com"),
        ("\uff57\uff41\uff4e\uff47@example.com", "wang@example.com"),
        ("mailto:a.b@example.com", "a.b@example.com"),
        ("info@xn--bcher-kva.de", "info@xn--bcher-kva.de"),
        ("王芳@例子.中国", "王芳@xn--fsqu00a.xn--fiqs8s"),
    ],
)
def test_an_address_has_one_spelling(value: str, wanted: str) -> None:
    assert canonical("email", value) == wanted


@pytest.mark.parametrize(
    "value",
    ["test@test.com", "no at sign", "@example.com", "a@", "a@b", "a b@example.com", "a..b@example.com",
     ".a@example.com",
     "a@exa mple.com", "w***g@example.com", "a@1.2.3.4", "null@example.com", "a@-b.com", "x" * 65 + "@example.com"],
)  # fmt: skip
def test_an_address_that_is_nobodys_is_refused(value: str) -> None:
    assert refused("email", value)


def test_wechat_ids_are_case_sensitive_and_of_their_length() -> None:
    unionid = "oABC1-xyz_qqqqqqqqqqqqqqqqqq"
    assert canonical("wx_unionid", unionid) == unionid
    assert canonical("wx_unionid", unionid.lower()) != unionid
    assert canonical("wx_unionid", unionid + "Q") == unionid + "Q"
    assert refused("wx_unionid", unionid + "QQ") == "not_a_unionid"
    assert refused("wx_openid", unionid + "Q") == "not_an_openid"
    assert NAMESPACES["wx_openid"].scope_required
    assert NAMESPACES["wx_unionid"].scope_required


def test_a_hashed_phone_is_the_twin_of_the_plain_one() -> None:
    phone = NAMESPACES["phone"].canonical("13812345678", "CN")
    assert isinstance(phone, Canonical)
    made = phone.twins
    for spelling in ("13812345678", "8613812345678", "+8613812345678"):
        assert ("phone_md5", hashlib.md5(spelling.encode(), usedforsecurity=False).hexdigest()) in made
        assert ("phone_sha256", hashlib.sha256(spelling.encode()).hexdigest()) in made


def test_the_hash_of_a_blank_or_a_filler_is_refused() -> None:
    assert refused("phone_sha256", hashlib.sha256(b"").hexdigest()) == "hash_of_blank"
    assert refused("email_sha256", hashlib.sha256(b"test@test.com").hexdigest()) == "hash_of_filler"
    assert (
        refused("phone_md5", hashlib.md5(b"13800138000", usedforsecurity=False).hexdigest().upper()) == "hash_of_filler"
    )
    assert refused("phone_md5", "abc") == "not_a_hash"


@pytest.mark.parametrize(
    "value",
    ["00000000-0000-0000-0000-000000000000", "9774d56d682e549c", "9774D56D682E549C", "02:00:00:00:00:00", "0" * 15],
)
def test_a_device_id_that_many_devices_bear_is_refused(value: str) -> None:
    assert refused("device", value)


def test_a_device_id_does_not_depend_on_the_platforms_case() -> None:
    upper = "A1B2C3D4-0000-4000-8000-ABCDEF123456"
    assert canonical("device", upper) == canonical("device", upper.lower())


def test_a_masked_shop_id_is_refused() -> None:
    assert refused("taobao_id", "w**g") == "masked"


_values = st.one_of(
    st.text(max_size=80),
    st.from_regex(r"\A[+0-9 ()*-]{5,20}\Z"),
    st.emails(),
    st.uuids().map(str),
    st.from_regex(r"\A[\w.+-]{1,20}@[\w-]{1,20}\.(com|中国|DE)\Z"),
    st.binary(min_size=16, max_size=32).map(bytes.hex),
)


_REGIONS = ["CN", "US", "DE", "IT", "GB", "JP", "AR", "MX", "BR", "SG", "HK", "FR", "IN", "AU"]


@st.composite
def mobile_numbers(draw: st.DrawFn) -> str:
    """Draw a valid mobile number of some country, in E.164: like one that is known, with other last digits."""
    known = phonenumbers.example_number_for_type(draw(st.sampled_from(_REGIONS)), phonenumbers.PhoneNumberType.MOBILE)
    assert known is not None
    text = phonenumbers.format_number(known, phonenumbers.PhoneNumberFormat.E164)
    tail = draw(st.text("0123456789", min_size=1, max_size=6))
    number = text[: -len(tail)] + tail
    assume(phonenumbers.is_valid_number(phonenumbers.parse(number)))
    return number


@settings(max_examples=200, deadline=None)
@given(number=mobile_numbers(), region=st.sampled_from([*_REGIONS, None]))
def test_id18_a_valid_number_is_itself_in_every_spelling_so_two_are_never_one(number: str, region: str | None) -> None:
    """What is valid in E.164 is its own canonical form under any default region: no two of them can have the same."""
    once = canonical("phone", number, region)
    if once is None:
        assert refused("phone", number, region) == "filler"
        return
    assert once == number
    parsed = phonenumbers.parse(number)
    home = phonenumbers.region_code_for_number(parsed)
    spelt = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    assert canonical("phone", spelt, home) == number
    for spelling in (
        phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL),
        number.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)}),
        f"  {number} ",
    ):
        assert canonical("phone", spelling, region) == number, spelling


@settings(max_examples=400, deadline=None)
@given(
    namespace=st.sampled_from(sorted(NAMESPACES)), value=_values, region=st.sampled_from(["CN", "US", "DE", "IT", None])
)
def test_id18_a_canonical_form_is_its_own_canonical_form(namespace: str, value: str, region: str | None) -> None:
    once = canonical(namespace, value, region)
    if isinstance(once, str):
        assert canonical(namespace, once, region) == once
        assert once.encode()
        assert "\0" not in once
