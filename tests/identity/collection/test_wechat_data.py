"""Messages that WeChat and WeCom really send, as two SDKs collected them: taken, or refused with a reason."""

import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from libs.common.access.model import Source
from services.identity.domain.bounded_xml import read_xml
from services.identity.domain.calls import Refusal
from services.identity.domain.heard_calls import posting_of
from services.identity.domain.webhook import WebhookSettings
from services.identity.domain.wechat_cipher import decrypt, signature
from services.identity.webhooks import official_account, wecom
from tests.identity.collection.conftest import Door
from tests.identity.collection.shared_data import shared_file
from tests.identity.collection.wechat_calls import AES_KEY, APP_ID, TOKEN, a_webhook, call_in

SOURCE = Source(source_id=1, workspace_id=1, key="k", name="n", trusted=True)


def lines(path: Path) -> Iterator[tuple[str, bytes]]:
    with gzip.open(path) as file:
        for line in file:
            row = msgspec.json.decode(line)
            if row["kind"] == "xml":
                yield row["source"], row["payload"].strip().encode()


@pytest.fixture
def messages() -> list[tuple[str, bytes]]:
    """All XML of both files, with the name of the test it stood in."""
    names = ("wechatpy_xml_messages.ndjson.gz", "wxjava_payloads.ndjson.gz")
    return [each for name in names for each in lines(shared_file(f"data/wechat/{name}"))]


def of_wecom(source: str) -> bool:
    return "work" in source or "/cp/" in source or "Cp" in source


def test_every_message_is_an_event_or_has_its_reason(messages: list[tuple[str, bytes]]) -> None:
    outcomes: Counter[str] = Counter()
    for source, raw in messages:
        kind = wecom.webhook if of_wecom(source) else official_account.webhook
        corp = str((fields if not isinstance(fields := read_xml(raw), Refusal) else {}).get("ToUserName", APP_ID))
        heard = kind.read(raw, WebhookSettings(kind=kind.name, app_id=corp or APP_ID))
        posting = posting_of(SOURCE, heard, size=len(raw))
        assert posting.posted == len(posting.calls) + len(posting.kept) + len(posting.refused) == 1
        outcomes["taken"] += len(posting.calls)
        outcomes.update(refusal.reason for refusal, _ in posting.kept)
        outcomes.update(refusal.reason for refusal in posting.refused)
    assert len(messages) == 155
    assert outcomes["taken"] >= 60, outcomes
    # Receipts of payments have no type of message: another interface of WeChat's sends them.
    assert set(outcomes) == {"taken", "not_about_a_person", "no_message_type"}, outcomes


async def test_every_message_is_answered_and_counted(door: Door, messages: list[tuple[str, bytes]]) -> None:
    source_id = await a_webhook(door)
    for _, raw in messages:
        assert (await call_in(door, source_id, raw.decode())).text == "success"
    usage = (await door.ask("GET", "/v1/identity/usage")).json()
    assert (usage["reconciled"], usage["totals"]["posted"]) == (True, len(messages))
    assert usage["totals"]["accepted"] > 50


def test_a_real_accounts_ciphertexts_open_and_bear_its_signature(messages: list[tuple[str, bytes]]) -> None:
    settings = WebhookSettings(kind="wecom", aes_key=AES_KEY, app_id=APP_ID)
    opened = []
    for _, raw in messages:
        fields = read_xml(raw)
        cipher = "" if isinstance(fields, Refusal) else str(fields.get("Encrypt", ""))
        if len(cipher) > 100:
            opened.append(signature(TOKEN, "1411525903", "461056294", cipher))
            clear = decrypt(cipher, settings)
            assert isinstance(clear, bytes) and b"<Content><![CDATA[test]]></Content>" in clear
    real = {"74d92dfeb87ba7c714f89d98870ae5eb62dff26d", "407518b7649e86ef23978113f92d27afa9296533"}
    assert (len(opened), set(opened)) == (3, real)
