"""A service refuses to start on what would be unsafe."""

import base64

import pytest
from pydantic import ValidationError

from libs.common.settings import SAMPLE_SECRETS, ServiceSettings
from services.segment.settings import SegmentSettings

GOOD = base64.b64encode(bytes(range(32))).decode()


@pytest.mark.parametrize("name", ["master_key", "service_secret"])
@pytest.mark.parametrize("sample", sorted(SAMPLE_SECRETS | {"CHANGEME"}))
def test_a_sample_secret_is_refused(name, sample):
    with pytest.raises(ValidationError, match="sample value"):
        ServiceSettings(**{"master_key": GOOD, "service_secret": GOOD, name: sample})


def test_roles_come_as_words_from_the_environment(monkeypatch):
    monkeypatch.setenv("RAPPORT_ROLES", "api, jobs")
    assert ServiceSettings(master_key=GOOD, service_secret=GOOD).roles == {"api", "jobs"}


def test_with_the_embedded_columnar_store_one_process_has_all_roles():
    common = {"master_key": GOOD, "service_secret": GOOD}
    with pytest.raises(ValidationError, match="all roles"):
        SegmentSettings(**common, roles="api")
    assert SegmentSettings(**common).roles == {"api", "subscribers", "jobs"}
    parted = SegmentSettings(**common, roles="api", columnar_url="clickhouse://columns:8123/rapport")
    assert parted.roles == {"api"}
