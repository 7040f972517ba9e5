"""Templates, languages, links and mails, without a sandbox or a relay."""

import base64
import hmac
from datetime import UTC, datetime
from email import message_from_bytes, policy
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.messaging.domain.bounce import read_bounce
from services.messaging.domain.links import Link, split_token, wrap_links, write_token
from services.messaging.domain.mail import ascii_address, is_aligned, mail_bytes
from services.messaging.domain.message_id import intent_of, message_id
from services.messaging.domain.provider_errors import CanonicalError
from services.messaging.domain.rendering import ContentProblem, render
from services.messaging.domain.template import Content, Part, Template, languages, parts_for, traits_used, with_defaults

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


def sign(payload: bytes) -> bytes:
    return hmac.digest(b"key", payload, "sha256")


def shown(source: str, data: dict[str, object], mode: str = "text") -> str:
    return render([Part("text", mode, source)], data)["text"]  # type: ignore[arg-type]


def test_a_language_falls_back_along_the_chain() -> None:
    both = Template({"en": Content(text="e"), "zh": Content(text="z")}, default_language="en")
    assert languages("zh-Hans-CN", both)[0] == "zh"
    assert languages("zh_TW", both)[0] == "zh"
    assert languages("fr", both)[0] == "en"
    assert languages(None, both)[0] == "en"
    chained = Template({"en": Content(text="e"), "zh": Content(text="z")}, default_language="en", fallback=("zh",))
    assert languages("ja", chained)[0] == "zh"


def test_a_channel_takes_its_own_part_before_the_common_one() -> None:
    content = Content(subject="long", text="t", channels={"inbox": {"subject": "short"}})
    assert {p.name: p.source for p in parts_for(content, "inbox")} == {"subject": "short", "text": "t"}
    assert {p.name: p.source for p in parts_for(content, "email")} == {"subject": "long", "text": "t"}


def test_the_traits_a_template_mentions_are_known() -> None:
    template = Template({"en": Content(text="{{ person.first_name }} {% if person.vip %}!{% endif %}")})
    assert traits_used(template) == ("first_name", "vip")


def test_a_missing_value_is_never_printed() -> None:
    for source in ("{{ person.name }}", "{{ person.name | upcase }}", "{{ person.points | plus: 5 }}", "{{ a.b.c }}"):
        with pytest.raises(ContentProblem) as caught:
            shown(source, {"person": {}})
        assert caught.value.kind == "missing"


def test_a_default_or_a_condition_makes_a_missing_value_fit() -> None:
    assert shown("Hi {{ person.name | default: 'friend' }}", {"person": {}}) == "Hi friend"
    assert shown("{% if person.vip %}VIP{% else %}-{% endif %}", {"person": {}}) == "-"
    assert with_defaults({"person": {"name": None}}, {"person.name": "friend"}) == {"person": {"name": "friend"}}


def test_values_are_escaped_in_html_and_left_alone_in_text() -> None:
    data: dict[str, object] = {"x": "<b>&"}
    assert shown("{{ x }}", data, "html") == "&lt;b&gt;&amp;"
    assert shown("{{ x }}", data) == "<b>&"


@pytest.mark.parametrize("value", ["a\r\nBcc: x@example.org", "a\nb", "a\rb", "a\0b"])
def test_a_header_refuses_a_line_break(value: str) -> None:
    with pytest.raises(ContentProblem) as caught:
        shown("{{ x }}", {"x": value}, "header")
    assert caught.value.kind == "header"


@given(url=st.text(max_size=200), number=st.integers(0, 2**127))
def test_a_link_survives_its_token(url: str, number: int) -> None:
    link = Link(7, UUID(int=number), "click", "email", url)
    found = split_token(write_token(link, sign))
    assert found is not None
    assert found[0] == link
    assert hmac.compare_digest(sign(found[1])[:16], found[2])


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_changed_token_is_not_ours(place: int, flip: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(write_token(Link(7, UUID(int=5), "unsubscribe", "email"), sign) + "=="))
    raw[place % len(raw)] ^= flip
    found = split_token(base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("="))
    assert found is None or not hmac.compare_digest(sign(found[1])[:16], found[2])


@given(st.text(max_size=100))
def test_any_text_is_safe_as_a_token(text: str) -> None:
    split_token(text)


def test_links_are_wrapped_and_the_way_out_is_not() -> None:
    page = '<a href="https://a.example/?x=1&amp;y=2">a</a> <a class="u" href=\'https://out.example\'>no</a>'
    wrapped = wrap_links(page, lambda url: f"https://t/{len(url)}?a&b", frozenset({"https://out.example"}))
    assert wrapped == '<a href="https://t/26?a&amp;b">a</a> <a class="u" href=\'https://out.example\'>no</a>'


def test_a_mail_reads_back_as_it_was_written() -> None:
    raw = mail_bytes(
        headers={"From": "news@rapport.example", "List-Unsubscribe": "<https://x>"},
        message_id="<a.email@rapport.example>",
        to="p@example.org",
        subject="您的优惠券 即将到期 " * 6,
        text="Text 中文\n.\nend",
        page="<p>中文</p>",
        at=NOW,
    )
    mail = message_from_bytes(raw, policy=policy.default)
    assert mail["Subject"].strip() == ("您的优惠券 即将到期 " * 6).strip()
    assert mail["List-Unsubscribe"] == "<https://x>"
    assert mail.get_body(("plain",)).get_content().strip() == "Text 中文\n.\nend"  # type: ignore[union-attr]
    assert mail.get_body(("html",)).get_content().strip() == "<p>中文</p>"  # type: ignore[union-attr]
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))


@pytest.mark.parametrize(
    "address",
    ["a@b", "a b@c.example", "a@c.example\r\nX: 1", "<a@c.example>", "a@@c.example", "@c.example", "a@.example"],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    assert ascii_address(address) is None


def test_a_domain_beyond_ascii_goes_out_in_its_ascii_form() -> None:
    assert ascii_address("a@例え.example") == "a@xn--r8jz45g.example"


def test_a_sender_is_aligned_with_its_domain_and_those_below_it_only() -> None:
    assert is_aligned("a@mail.rapport.example", ("rapport.example",))
    assert not is_aligned("a@evil-rapport.example", ("rapport.example",))
    assert not is_aligned("a@rapport.example.evil.example", ("rapport.example",))


def test_the_message_id_names_intent_and_channel() -> None:
    text = message_id(UUID(int=77), "email", "rapport.example")
    assert intent_of(text) == (UUID(int=77), "email")
    assert intent_of("<somebody@else.example>") is None


BOUNCE = """\
From: MAILER-DAEMON@mx.example
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

failed
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; p@example.org
Action: failed
Status: {status}

--b
Content-Type: message/rfc822

Message-ID: {message_id}
Subject: hello

body
--b--
"""


def test_a_bounce_names_the_message_and_the_reason() -> None:
    ours = message_id(UUID(int=77), "email", "rapport.example")
    [hard] = read_bounce(BOUNCE.format(status="5.1.1", message_id=ours).encode())
    assert (hard.provider_id, hard.state, hard.error) == (ours, "failed", CanonicalError.ADDRESS_BAD)
    [soft] = read_bounce(BOUNCE.format(status="4.4.7", message_id=ours).encode())
    assert (soft.state, soft.error) == ("failed", None)
    assert read_bounce(BOUNCE.format(status="5.1.1", message_id="<x@y.example>").encode()) == []


@given(st.binary(max_size=300))
def test_any_bytes_are_safe_as_a_bounce(body: bytes) -> None:
    assert read_bounce(body) == []
