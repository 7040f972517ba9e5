"""What each service may say and hear on NATS: its own subjects, its own consumers, its own inbox."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SERVICES = ("identity", "profile", "segment", "journey", "messaging")
ACCESS_BUCKET = "access"
ACCESS_OWNER = "identity"


@dataclass(frozen=True)
class Permissions:
    """The subjects a user may publish to and subscribe to."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def durables_of(root: Path, service: str) -> list[str]:
    """List the durable consumers of a service: one for each file of its subscribers."""
    files = sorted((root / "services" / service / "subscribers").rglob("on_*.py"))
    return [f"{service}-{file.stem}" for file in files]


def permissions_of(service: str, durables: Iterable[str]) -> Permissions:
    """Give a service the least it needs: a stream of its own, its durable consumers, the access bucket to read."""
    publish = [
        f"{service}.>",
        "$JS.API.INFO",
        "$JS.API.STREAM.NAMES",
        "$JS.API.STREAM.INFO.*",
        f"$JS.API.STREAM.CREATE.{service}",
        f"$JS.API.STREAM.UPDATE.{service}",
        f"$JS.API.STREAM.PURGE.{service}",
        # The relay reads how far every reader of its stream has acknowledged.
        f"$JS.API.CONSUMER.INFO.{service}.*",
        f"$JS.API.CONSUMER.NAMES.{service}",
        f"$JS.API.CONSUMER.LIST.{service}",
    ]
    subscribe = [f"_INBOX_{service}.>"]
    for durable in durables:
        publish += _consumer(durable)
        subscribe.append(f"$JS.EVENT.ADVISORY.CONSUMER.*.*.{durable}")
    publish += _read_bucket(ACCESS_BUCKET)
    if service == ACCESS_OWNER:
        publish += _write_bucket(ACCESS_BUCKET)
    return Permissions(tuple(publish), tuple(subscribe))


def _consumer(durable: str) -> list[str]:
    return [
        f"$JS.API.CONSUMER.CREATE.*.{durable}",
        f"$JS.API.CONSUMER.CREATE.*.{durable}.>",
        f"$JS.API.CONSUMER.DURABLE.CREATE.*.{durable}",
        f"$JS.API.CONSUMER.INFO.*.{durable}",
        f"$JS.API.CONSUMER.MSG.NEXT.*.{durable}",
        f"$JS.API.CONSUMER.DELETE.*.{durable}",
        f"$JS.ACK.*.{durable}.>",
        # The newer form of acknowledgements carries the domain and the account before the stream.
        f"$JS.ACK.*.*.*.{durable}.>",
    ]


def _read_bucket(bucket: str) -> list[str]:
    return [
        f"$JS.API.STREAM.MSG.GET.KV_{bucket}",
        f"$JS.API.DIRECT.GET.KV_{bucket}",
        f"$JS.API.DIRECT.GET.KV_{bucket}.>",
        f"$JS.API.CONSUMER.CREATE.KV_{bucket}",
        f"$JS.API.CONSUMER.CREATE.KV_{bucket}.>",
        f"$JS.API.CONSUMER.INFO.KV_{bucket}.*",
        f"$JS.API.CONSUMER.DELETE.KV_{bucket}.*",
        f"$JS.FC.KV_{bucket}.>",
    ]


def _write_bucket(bucket: str) -> list[str]:
    return [
        f"$KV.{bucket}.>",
        f"$JS.API.STREAM.CREATE.KV_{bucket}",
        f"$JS.API.STREAM.UPDATE.KV_{bucket}",
    ]
