"""Whatever the description of the API allows, and much it does not, is answered without a fault of ours."""

import json

import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fixtures.apps import House, ServiceApp
from tests.profile.saying import identify, owns, person_id, publish

HERE = f"/v1/profile/persons/{person_id(7)}"
ROUTES = [
    ("PATCH", HERE + "/traits"),
    ("POST", "/v1/profile/consents"),
    ("POST", "/v1/profile/persons/lookup"),
    ("POST", "/v1/profile/questions/traits"),
    ("POST", "/v1/profile/reachability"),
    ("PUT", "/v1/profile/consent-policy"),
    ("PUT", "/v1/profile/trait-rules/tier"),
]
WORDS = st.sampled_from(
    [
        "traits", "at", "items", "person_id", "person_no", "identifier", "namespace", "value", "scope", "purpose",
        "channel", "topic", "state", "expires_at", "proof", "person_ids", "identifiers", "person_nos", "names",
        "questions", "opt_out", "opt_in", "kind", "type", "sources", "$unset", "$set_once", "email", "granted", "first",
    ]
)  # fmt: skip
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=20), WORDS,
    st.just(str(person_id(7))), st.just("2026-03-01T08:00:00Z"), st.just("0001-01-01T00:00:00+23:59"),
    st.just("9999-12-31T23:59:59-23:59"), st.just("marketing"), st.just("withdrawn"), st.just(7), st.just("\ud800"),
)  # fmt: skip
bodies = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(WORDS, st.text(max_size=5)), inner, max_size=6)
    ),
    max_leaves=20,
)
statements = st.fixed_dictionaries(
    {"person_id": st.just(str(person_id(7))), "state": st.sampled_from(["granted", "denied", "withdrawn"])},
    optional=dict.fromkeys(("at", "expires_at", "purpose", "channel", "topic", "text_hash", "actor", "source"), leaves)
    | {"proof": bodies},
)


@pytest_asyncio.fixture
async def profile(house: House, running_profile: ServiceApp) -> ServiceApp:
    sealer = running_profile.runtime.sealer(1)
    await publish(house.bus, owns(7, 70, sealer=sealer), identify(7, 70, traits={"tier": "gold"}, sealer=sealer))
    await running_profile.drain()
    return running_profile


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(route=st.sampled_from(ROUTES), body=st.one_of(bodies, statements, st.builds(lambda t: {"traits": t}, bodies)))
async def test_no_body_makes_a_fault(profile, route, body):
    method, path = route
    answer = await profile.client.request(
        method,
        path,
        content=json.dumps(body).encode(),
        headers={"content-type": "application/json", **profile.as_service("messaging")},
    )
    assert answer.status_code < 500, (route, body, answer.text)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    path=st.sampled_from(["/timeline", "/consents", "/export", "", "/traits"]),
    query=st.dictionaries(
        st.sampled_from(["limit", "cursor", "name", "source_id", "since", "until", "lineage"]),
        leaves.map(str).filter(lambda text: "\ud800" not in text),
        max_size=4,
    ),
)
async def test_no_query_makes_a_fault(profile, path, query):
    answer = await profile.client.get(HERE + path, params=query)
    assert answer.status_code < 500, (path, query, answer.text)
