"""What is said of an account's trait, the first time and again."""

import base64

import msgspec

from libs.common.contracts.profile.account_changed import AccountChanged
from libs.common.ids import fact_id
from services.profile.store.accounts import AccountView


def account_changed(view: AccountView) -> AccountChanged:
    """Return the event of a view; the same one for the same version."""
    return AccountChanged(
        id=fact_id("account", *view.about, view.version),
        workspace_id=view.about.workspace_id,
        received_at=view.received_at,
        occurred_at=view.since,
        account=view.about.account,
        name=view.about.trait,
        version=view.version,
        since=view.since,
        value=msgspec.Raw(view.value if view.value is not None else b"null"),
        sealed=base64.b64encode(view.sealed).decode("ascii") if view.sealed is not None else None,
        removed=view.value is None and view.sealed is None,
    )
