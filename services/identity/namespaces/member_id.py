"""The id of a loyalty programme's member."""

from services.identity.domain.account_id import account_canonical
from services.identity.domain.canonical import Namespace

namespace = Namespace(name="member_id", canonical=account_canonical, aliases=frozenset({"memberid", "member"}))
