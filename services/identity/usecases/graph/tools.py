"""What every change of the graph needs in its hands, and what may be remembered between two."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from libs.common.personal import Sealer
from services.identity.domain.evidence import Identifier
from services.identity.domain.policy import Declared, NamespaceKind, PolicySet
from services.identity.domain.reading import namespaces_by_name
from services.identity.store import persons, policies
from services.identity.store.nodes import Key
from services.identity.store.numbers import Numbers

REMEMBERED = 200_000


class GraphTools:
    """What belongs to the workspaces (clocks, sealers, personal names, policies), numbers to give, lasting facts."""

    def __init__(
        self,
        *,
        sealer: Callable[[int], Sealer],
        now: Callable[[int], datetime],
        namespaces: Sequence[NamespaceKind],
        personal_names: Callable[[int], Mapping[str, bool]] = lambda _workspace_id: {},
        quarantined: Callable[[int, str, int], None] = lambda _workspace_id, _reason, _links: None,
        limited: Callable[[int, str, int], None] = lambda _workspace_id, _reason, _links: None,
        settling: Callable[[], None] = lambda: None,
    ) -> None:
        self.sealer = sealer
        self.now = now
        self.personal_names = personal_names
        self.settling = settling
        """Hears that something is to be looked at in the background at once."""
        self.quarantined = quarantined
        """Hears of a workspace, a reason, and how many links went into quarantine for it."""
        self.limited = limited
        """Hears of a workspace, a limit, and how many links hold nobody together any more, or never did, for it."""
        self.numbers = Numbers()
        self.namespaces = namespaces_by_name(namespaces)
        self.hashes = frozenset(one for kind in namespaces for one in kind.hashed_as)
        """Namespaces that hold hashes of others' values."""
        self._defaults = {kind.name: kind.policy for kind in namespaces}
        self._policies: dict[int, PolicySet] = {}
        self._person_ids: dict[Key, UUID] = {}
        self._lookups: dict[tuple[int, Identifier], bytes] = {}
        self._named: dict[tuple[int, bytes], Identifier] = {}
        self.numbered: dict[tuple[int, Identifier], Key] = {}
        """Nodes of identifiers that are stored, by (workspace, identifier): they need not be asked for."""

    def lookup(self, workspace_id: int, identifier: Identifier) -> bytes:
        """Return the keyed hash under which an identifier is found."""
        known = self._lookups.get((workspace_id, identifier))
        if known is None:
            if len(self._lookups) >= REMEMBERED:
                self._lookups.clear()
            known = self.sealed_lookup(workspace_id, identifier)
            self._lookups[workspace_id, identifier] = known
        return known

    def named(self, workspace_id: int, lookup: bytes) -> Identifier | None:
        """Return the identifier with a keyed hash where it was opened before: a person's come again and again."""
        return self._named.get((workspace_id, lookup))

    def remember_numbers(self, found: Mapping[tuple[int, Identifier], Key]) -> None:
        """Remember the nodes of identifiers that are stored."""
        if len(self.numbered) >= REMEMBERED:
            self.numbered.clear()
        self.numbered |= found

    def remember_name(self, workspace_id: int, lookup: bytes, identifier: Identifier) -> None:
        """Remember an identifier that was opened."""
        if len(self._named) >= REMEMBERED:
            self._named.clear()
        self._named[workspace_id, lookup] = identifier

    def forget(self, workspace_id: int, identifiers: Collection[Identifier]) -> None:
        """Remember nothing of identifiers that were erased."""
        for one in identifiers:
            lookup = self.lookup(workspace_id, one)
            self.numbered.pop((workspace_id, one), None)
            self._named.pop((workspace_id, lookup), None)
            self._lookups.pop((workspace_id, one), None)

    def sealed_lookup(self, workspace_id: int, identifier: Identifier) -> bytes:
        """Return the keyed hash of an identifier that is hardly asked for again."""
        text = f"{identifier.namespace}\0{identifier.scope}"
        return self.sealer(workspace_id).lookup(text, identifier.value.encode())

    async def policies_in_force(self, tx: Tx, workspace_ids: Collection[int]) -> dict[int, PolicySet]:
        """Return the policies of workspaces; they stay in force until the transaction ends."""
        heads = await policies.hold(tx, sorted(workspace_ids))
        return {one: await self._of_version(tx, one, version) for one, version in heads.items()}

    async def present_policies(self, tx: Tx, workspace_id: int) -> PolicySet:
        """Return the policies of a workspace as they stand, for reading."""
        return await self._of_version(tx, workspace_id, await policies.present(tx, workspace_id))

    async def policies_of_version(self, tx: Tx, workspace_id: int, version: int) -> PolicySet:
        """Return the policies of a workspace as they were in a version."""
        return self.with_defaults(version, await policies.read(tx, workspace_id, version))

    async def _of_version(self, tx: Tx, workspace_id: int, version: int) -> PolicySet:
        known = self._policies.get(workspace_id)
        if known is None or known.version != version:
            known = await self.policies_of_version(tx, workspace_id, version)
            self._policies[workspace_id] = known
        return known

    def with_defaults(self, version: int, declared: Declared) -> PolicySet:
        """Return the whole set of policies that a workspace has by what it declared."""
        return PolicySet(version, {**self._defaults, **declared.namespaces}, declared.linking, declared.safeguards)

    async def person_ids(self, tx: Tx, keys: Collection[Key]) -> dict[Key, UUID]:
        """Return the ids of persons; a number's id never changes."""
        known = {one: self._person_ids[one] for one in keys if one in self._person_ids}
        missing = [one for one in keys if one not in known]
        if missing:
            found = {one: row.person_id for one, row in (await persons.read(tx, missing)).items()}
            # Rows of this transaction may still be rolled back.
            tx.after_commit(lambda: self.remember_persons(found))
            known |= found
        return known

    def remember_persons(self, found: Mapping[Key, UUID]) -> None:
        """Remember the ids of persons that are stored."""
        if len(self._person_ids) >= REMEMBERED:
            self._person_ids.clear()
        self._person_ids |= found
