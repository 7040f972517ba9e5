"""How every route with a body is called soundly; a text that is the name of an id stands for that id."""

from typing import Any

ANY = "any_id"
AT = "2026-03-01T08:00:00Z"
USER = {"namespace": "user_id", "scope": "main", "value": "u-1"}
MAIL = {"namespace": "email", "scope": "", "value": "somebody@mail.example"}
BOUGHT = {"did": "Order Completed", "where": [{"property": "total", "op": "greater_than", "value": 10}]}
DEFINITION = {"all": [BOUGHT, {"trait": "city", "op": "equals", "value": "Suzhou"}]}
JOURNEY = {
    "entry": {"on": "segment_entered", "segment": "segment_id"},
    "nodes": [
        {"id": "rest", "type": "wait", "for": "PT1H"},
        {"id": "mail", "type": "send", "channel": "email", "template_key": "thanks"},
    ],
}
DEAD_LETTERS = {"ids": [ANY], "action": "replay"}
CLOCK = {"now": AT, "held": False}

SOUND: dict[str, Any] = {
    "POST /v1/identity/clock": {"now": AT, "step_seconds": 0},
    "POST /v1/identity/evidence": {
        "items": [{"id": "e-1", "kind": "must_link", "tier": 0, "time": AT, "identifiers": [USER, MAIL]}]
    },
    "POST /v1/identity/resolve": {"items": [{"identifiers": [USER]}], "create": False},
    "POST /v1/identity/explain": {"a": USER, "b": MAIL},
    "POST /v1/identity/why-not": {"a": USER, "b": MAIL},
    "POST /v1/imports": {"source_id": 1, "path": "no-such-file.ndjson", "format": "ndjson", "mapping": {}},
    "POST /v1/imports/previews": {"source_id": 1, "path": "no-such-file.ndjson", "format": "ndjson", "mapping": {}},
    "POST /v1/imports/{import_id}/stop": None,
    "POST /v1/imports/{import_id}/resume": None,
    "POST /v1/identity/verification": {"repair": True},
    "POST /v1/identity/keys": {"name": "k", "scopes": ["events:read"], "expires_at": "2030-01-01T00:00:00Z"},
    "POST /v1/identity/keys/{key_id}/rotate": {"overlap_seconds": 10},
    "POST /v1/identity/members": {"email": "a@b.example", "role": "viewer", "password": "long enough to be good"},
    "POST /v1/identity/sessions": {"workspace": "acme", "email": "a@b.example", "password": "wrong"},
    "POST /v1/identity/persons/lookup": {"person_nos": [1], "person_ids": ["person_id"]},
    "POST /v1/identity/persons/merge": {"person_ids": ["person_id", ANY], "dry_run": True},
    "POST /v1/identity/persons/{person_id}/unmerge": {"leaving": [USER], "dry_run": False},
    "POST /v1/identity/persons/{person_id}/erase": {"reason": "asked by letter", "dry_run": True},
    "POST /v1/identity/erasures/{erasure_id}/repeat": None,
    "POST /v1/identity/erasures/reopen": {"identifiers": [USER]},
    "PUT /v1/identity/policies": {
        "namespaces": {"email": {"priority": 20, "max_per_person": 5, "window_days": 30, "blocked": ["x@y.example"]}},
        "linking": "opt_out", "safeguards": {"largest_person": 200, "joins_per_minute": 50, "dormant_days": None},
    },
    "POST /v1/identity/quarantined-links/release": {"hold_ids": [ANY], "dry_run": True},
    "POST /v1/identity/quarantined-links/throw-away": {"identifier": USER, "dry_run": True},
    "POST /v1/identity/at-risk-joins/{join_id}/fine": None,
    "POST /v1/identity/at-risk-joins/{join_id}/undo": {"dry_run": True},
    "POST /v1/identity/policies/shadows": {"namespaces": {"email": {"priority": 20, "max_per_person": 5}}},
    "POST /v1/identity/policies/shadows/{shadow_id}/switch": None,
    "POST /v1/identity/evidence/preview": {
        "items": [{"id": "e-2", "kind": "login", "tier": 1, "time": AT, "identifiers": [USER, MAIL]}]
    },
    "POST /v1/identity/wechat/migrations": {
        "from_appid": "app-old", "to_appid": "app-new", "from_platform": "", "to_platform": "", "migrated_at": AT,
    },
    "POST /v1/identity/wechat/migrations/{migration_id}/results": {
        "errcode": 0, "errmsg": "ok", "result_list": [{"ori_openid": "o" * 28, "new_openid": "n" * 28}],
    },
    "POST /v1/identity/quarantine/replay": {
        "ids": [ANY], "move": {"/properties/a": "/properties/b"}, "set": {"/event": "Seen"}, "remove": ["/c"],
        "mapping": {}, "dry_run": True,
    },
    "POST /v1/identity/suggestions/{suggestion_id}/accept": {"dry_run": True},
    "POST /v1/identity/suggestions/{suggestion_id}/refuse": {"dry_run": False, "keep_apart": True},
    "PUT /v1/identity/match-model": {
        "prior": 0.1, "fields": {"name": "name"}, "blocking": [["name"]], "frequencies": {"name": {"a": 0.5}},
        "comparisons": [{"name": "name", "levels": [
            {"label": "equal", "test": "exact", "m": 0.9, "u": 0.1, "column": "name", "threshold": 0},
            {"label": "other", "test": "else", "m": 0.1, "u": 0.9},
        ]}],
    },
    "POST /v1/identity/suggestions/score": {
        "items": [{"person_id": "person_id", "fields": {"name": "a"}}, {"person_id": ANY, "fields": {"name": None}}],
        "threshold": 3.5,
    },
    "PUT /v1/identity/tracking-plan": {
        "events": {"Seen": {
            "properties": {"total": {"type": "number", "required": True, "values": [1, "a"], "on_violation": "warn"}},
            "on_violation": "accept", "unplanned_properties": "accept",
        }},
        "traits": {"properties": {}}, "unplanned_events": "accept",
    },
    "POST /v1/identity/quarantine/discard": {"ids": [ANY]},
    "POST /v1/identity/sources": {
        "key": "fresh", "name": "Fresh", "kind": "web", "issuer": "main", "best_tier": 2, "default_region": "CN",
        "priority": 10, "quota_per_second": 5, "origins": ["https://a.example"], "logout_event": "Out",
        "settings": {"a": [1, {"b": "c"}]},
    },
    "PATCH /v1/identity/sources/{source_id}": {
        "name": "taken over", "quota_per_second": 5, "priority": 10, "origins": ["https://a.example"],
        "settings": {"a": [1, {"b": "c"}]},
    },
    "POST /v1/identity/sources/{source_id}/keys": None,
    "PUT /v1/identity/sources/{source_id}/webhook": {
        "kind": "json", "app_id": "wx1", "open_platform_id": "op", "token": "token", "aes_key": "",
        "max_age_seconds": 60, "secret": "a secret of the shop", "signature_header": "x-signature", "items": "/events",
        "mapping": {"event": {"constant": "Seen"}, "userId": {"column": "/user/id"}},
    },
    "POST /v1/webhooks/{source_id}/login": {"code": "x", "phone_code": "y"},
    "POST /v1/identity/workspaces": {
        "key": "acme", "name": "Acme", "timezone": "UTC", "settings": {"a": [1]}, "clock": {"now": AT}
    },
    "PATCH /v1/identity/workspaces/{workspace_id}": {"name": "taken over", "timezone": "UTC", "settings": {"a": 1}},
    "POST /v1/profile/consents": {
        "items": [
            {"person_id": "person_id", "purpose": "marketing", "channel": "email", "topic": "news", "state": "denied",
             "at": AT, "expires_at": AT, "legal_basis": "consent", "source": "api", "proof": {"form": [1, "x"]}},
            {"identifier": MAIL, "state": "denied"},
        ]
    },
    "PUT /v1/profile/consent-policy": {"opt_out": [{"purpose": "marketing", "channel": "email"}], "opt_in": []},
    "POST /v1/profile/persons/lookup": {
        "person_ids": ["person_id"], "identifiers": [USER], "traits": ["city"]
    },
    "POST /v1/profile/reachability": {
        "questions": [{"person_no": 1, "channel": "email", "purpose": "marketing"}], "traits": ["city"]
    },
    "PATCH /v1/profile/persons/{person_id}/traits": {
        "traits": {"city": "Taken over", "size": 4.5, "sizes": [1, "a"], "$unset": ["old"]}, "at": AT
    },
    "POST /v1/profile/questions/traits": {"person_nos": [1], "names": ["city"]},
    "PUT /v1/profile/trait-rules/{trait}": {"kind": "most_frequent", "type": "text", "sources": [1]},
    "PUT /v1/profile/tags/{tag}": {
        "kind": "event", "group": "live", "owner": "crm", "description": "came by a code", "refresh": "daily",
        "ttl_seconds": 60, "event": "Live Entered",
        "where": [{"prop": "entry_code", "op": "in", "value": ["a", 1, True, 4.5]}],
    },
    "POST /v1/profile/tags/{tag}/persons": {"assign": ["person_id"], "remove": [ANY], "expires_at": AT},
    "POST /v1/segment/questions/membership": {"condition": DEFINITION, "person_nos": [1]},
    "POST /v1/segment/preview": {"definition": DEFINITION},
    "POST /v1/segment/explain": {"definition": DEFINITION, "person_no": 1},
    "POST /v1/segment/segments": {"key": "fresh", "name": "Fresh", "definition": DEFINITION, "state": "draft"},
    "PATCH /v1/segment/segments/{segment_id}": {"name": "taken over", "definition": DEFINITION, "state": "live"},
    "PUT /v1/segment/segments/{segment_id}/lists": {"include": [1], "exclude": [2]},
    "PATCH /v1/segment/segments/{segment_id}/lists": {"include": [1], "exclude": [2], "remove": [3]},
    "POST /v1/segment/columnar/rebuild": None,
    "POST /v1/segment/reconciliations": None,
    "POST /v1/segment/overlaps": {"segment_ids": ["segment_id"]},
    "POST /v1/segment/segments/{segment_id}/snapshot": {"key": "kept", "name": "Kept"},
    "POST /v1/segment/segments/grid": {
        "name": "{stage}", "key": "grid-{stage}", "state": "draft", "base": DEFINITION,
        "axes": [{"name": "stage", "values": [{"key": "new", "name": "New", "definition": DEFINITION}]}],
    },
    "POST /v1/journey/journeys": {"name": "taken over", "definition": JOURNEY},
    "PUT /v1/journey/journeys/{journey_id}/draft": {"name": "taken over", "definition": JOURNEY},
    "POST /v1/journey/journeys/{journey_id}/publish": {"policy": "pin", "deleted": {}},
    "POST /v1/journey/journeys/{journey_id}/pause": None,
    "POST /v1/journey/journeys/{journey_id}/resume": None,
    "POST /v1/journey/journeys/{journey_id}/stop": None,
    "POST /v1/journey/journeys/{journey_id}/runs": {"person_id": "person_id", "properties": {"a": [1, "b"]}},
    "POST /v1/messaging/callbacks/{channel}": {},
    "POST /v1/messaging/gate": {
        "person_id": "person_id", "channels": ["email"], "class": "marketing", "purpose": "marketing", "topic": "news"
    },
    "POST /v1/messaging/inbox/{person_id}/read": {"message_ids": ["message_id"]},
    "POST /v1/messaging/messages": {
        "person_id": "person_id", "channels": ["inbox"], "class": "marketing", "content": {"text": "hello"},
        "data": {"a": [1, {"b": "c"}]}, "key": "k-1", "priority": 1, "value": 1.5, "due_at": AT, "expires_at": AT,
        "fallback_after": "PT1H",
    },
    "PUT /v1/messaging/policies": {
        "caps": [{"id": "week", "count": 2, "window": {"rolling": "P7D"}, "channels": ["email"]}],
        "quiet": [{"from": "22:00", "to": "08:00"}], "zone": "UTC", "expires_after": "P1D",
    },
    "POST /v1/messaging/suppressions": {"address": "gone@mail.example", "channel": "email", "reason": "manual"},
    "POST /v1/messaging/suppressions/remove": {"address": "gone@mail.example", "channel": "email"},
    "PUT /v1/messaging/templates/{key}": {
        "subject": "Hello", "text": {"en": "Hello {{ person.city }}"}, "default_language": "en", "fallback": ["en"],
        "defaults": {"city": "you"}, "channels": {"inbox": {"text": "Short"}},
    },
    "POST /v1/messaging/templates/{key}/preview": {
        "channel": "email", "language": "en", "person": {"city": "Suzhou"}, "data": {"a": [1]}
    },
}  # fmt: skip
for _service in ("identity", "profile", "segment", "journey", "messaging"):
    SOUND[f"POST /v1/{_service}/dead-letters"] = DEAD_LETTERS
    SOUND[f"PUT /v1/{_service}/clock"] = CLOCK
    SOUND[f"POST /v1/{_service}/replays"] = {"consumers": ["on_event_recorded"]}


def with_ids(value: Any, ids: dict[str, str]) -> Any:
    """Return a body with the names of ids replaced by the ids."""
    if isinstance(value, dict):
        return {name: with_ids(item, ids) for name, item in value.items()}
    if isinstance(value, list):
        return [with_ids(item, ids) for item in value]
    if value == ANY:
        return "01990000-0000-7000-8000-000000000000"
    return ids.get(value, value) if isinstance(value, str) and value.endswith("_id") else value
