"""Who everybody really is, and which identifiers the events could never have brought together."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from world.happenings import Happening, Life, Name
from world.shape import END, ISSUER

FORGOTTEN_AFTER = {"cookie": timedelta(days=180), "device": timedelta(days=670)}
"""The default policies forget a link of these that was not used for so long."""
WHY_APART = {
    "cookie": "never logged in on this browser",
    "device": "never logged in on this device",
    "wx_openid": "no unionid was ever told",
    "wx_unionid": "the fan never gave a number or a member id",
    "crm_id": "the import's number was masked, a filler or missing",
    "phone": "the number never met the member",
    "user_id": "member and fan never met",
    "email": "member and fan never met",
}


@dataclass(frozen=True, slots=True)
class Truth:
    """The truth about one identifier; `human` is None for what several humans share.

    `group` numbers the parts of a human that no event of his connects; `cause` says why this one is apart, or why its
    link is forgotten on purpose. Empty: it can be recognised.
    """

    name: Name
    human: int | None
    group: int
    cause: str


def names_of(happening: Happening) -> Iterator[Name]:
    """Yield the identifiers that a happening names."""
    if happening.user:
        yield "user_id", ISSUER, happening.user
    if happening.cookie:
        yield "cookie", "", happening.cookie
    if happening.device:
        yield "device", "", happening.device.lower()
    yield from happening.external
    if happening.phone:
        yield "phone", "", happening.phone if happening.phone.startswith("+") else f"+86{happening.phone}"
    if happening.email:
        yield "email", "", happening.email
    yield from happening.replaces or ()


def truth_of(lives: Sequence[Life]) -> list[Truth]:
    """Return the truth about every identifier that is named in the lives of one neighbourhood."""
    owners = _owners(lives)
    found: list[Truth] = []
    for life in lives:
        said = [set(names_of(happening)) for happening in life.happenings]
        named = set().union(*said) if said else set()
        mine = [one.name for one in life.owned if owners.get(one.name) is life and one.name in named]
        found += _of_human(life, list(dict.fromkeys(mine)), said)
    shared = {one.name for life in lives for one in life.owned if one.shared}
    return [*found, *(Truth(name, None, 0, "shared by several") for name in sorted(shared))]


def _owners(lives: Sequence[Life]) -> dict[Name, Life]:
    """Return whose each identifier is in the end: of a number or tablet that passed on, the last owner's."""
    last: dict[Name, tuple[datetime, Life]] = {}
    for life in lives:
        for one in life.owned:
            if not one.shared and (one.name not in last or one.since > last[one.name][0]):
                last[one.name] = one.since, life
    return {name: life for name, (_, life) in last.items()}


def _of_human(life: Life, mine: list[Name], said: Iterable[set[Name]]) -> list[Truth]:
    """Return the truth about one human's identifiers: groups of those that his events connect, the largest first."""
    group = {name: {name} for name in mine}
    linked: dict[Name, datetime] = {}
    for happening, names in zip(life.happenings, said, strict=True):
        together = [name for name in names if name in group]
        for name in together:
            if len(together) > 1:
                linked[name] = max(happening.at, linked.get(name, happening.at))
            if group[name] is not group[together[0]]:
                merged = group[together[0]] | group[name]
                for member in merged:
                    group[member] = merged
    parts = sorted({frozenset(part) for part in group.values()}, key=lambda part: (-len(part), min(part)))
    number = {name: position for position, part in enumerate(parts) for name in part}
    return [Truth(name, life.number, number[name], _cause(life, name, number[name], linked.get(name))) for name in mine]


def _cause(life: Life, name: Name, group: int, linked: datetime | None) -> str:
    forgotten = FORGOTTEN_AFTER.get(name[0])
    if group == 0:
        old = forgotten is not None and linked is not None and linked < END - forgotten
        return "not used for so long that the link is forgotten" if old else ""
    if life.lost_number and name[0] not in FORGOTTEN_AFTER:
        return "only a number that is another's now would connect it"
    return WHY_APART.get(name[0], "nothing connects it")
