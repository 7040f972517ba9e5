"""The id of a person in a CRM."""

from services.identity.domain.account_id import account_canonical
from services.identity.domain.canonical import Namespace

namespace = Namespace(name="crm_id", canonical=account_canonical, aliases=frozenset({"crmid", "crm_no", "contact_id"}))
