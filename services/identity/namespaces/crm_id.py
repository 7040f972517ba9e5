"""The id of a person in a CRM."""

from services.identity.domain.account_id import account_canonical
from services.identity.domain.canonical import namespace_kind
from services.identity.domain.policy import NamespacePolicy

namespace = namespace_kind(
    "crm_id",
    NamespacePolicy(priority=1, max_per_person=1, cap_per="scope", singleton=True),
    account_canonical,
    aliases={"crmid", "crm_no", "contact_id"},
    declarable={"case_rules"},
)
