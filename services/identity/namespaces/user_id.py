"""The id an issuer (shop, app, site) gives its registered user."""

from services.identity.domain.account_id import account_canonical
from services.identity.domain.canonical import Namespace

namespace = Namespace(name="user_id", canonical=account_canonical, aliases=frozenset({"userid", "customer_id"}))
