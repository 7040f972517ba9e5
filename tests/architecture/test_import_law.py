import pytest

from tests.architecture.planted import Copy

BROKEN_BY = {
    "Every service has the same rooms": {
        "services/journey/domain/planted.py": "import services.journey.store.planted\n",
        "services/journey/store/planted.py": "",
        "services/identity/usecases/planted.py": "import services.identity.clients.planted\n",
        "services/identity/clients/planted.py": "",
        "services/profile/api/planted.py": "import services.profile.jobs.planted\n",
        "services/profile/jobs/planted.py": "",
        "services/segment/helpers/planted.py": "",
    },
    "Services never import each other": {
        "services/messaging/domain/planted.py": "import services.journey.domain\n",
    },
    "Demo stands over launcher": {
        "services/segment/domain/planted.py": "import launcher.ports\n",
        "libs/common/planted.py": "import services.segment.domain\n",
    },
    "do no input or output": {
        "services/segment/domain/planted_indeed.py": "import services.segment.domain.planted_way\n",
        "services/segment/domain/planted_way.py": "import socket\n",
        "services/journey/nodes/planted.py": "import httpx\n",
    },
    "Only libs.common.bus speaks raw NATS": {
        "services/profile/subscribers/planted.py": "import nats\n",
    },
    "Only store/ speaks to a database driver": {
        "services/messaging/usecases/planted.py": "import asyncpg\n",
    },
    "Only clients/ and channels/ call out": {
        "services/journey/usecases/planted.py": "import httpx\n",
    },
    "Contracts know only ids": {
        "libs/common/contracts/identity/planted.py": "import libs.common.db\n",
    },
}


@pytest.fixture(scope="module")
def verdict(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter says of a copy in which every law is broken."""
    copy = Copy(tmp_path_factory.mktemp("planted"))
    for files in BROKEN_BY.values():
        for path, source in files.items():
            copy.plant(path, source)
    return copy.import_law()


def test_the_import_law_holds(tmp_path):
    assert "0 broken" in Copy(tmp_path).import_law()


@pytest.mark.parametrize("law", BROKEN_BY)
def test_a_planted_violation_breaks_its_law(verdict, law):
    (line,) = [line for line in verdict.splitlines() if law in line and ("KEPT" in line or "BROKEN" in line)]
    assert "BROKEN" in line


def test_every_planted_import_is_named(verdict):
    for chain in (
        "services.journey.domain.planted -> services.journey.store.planted",
        "services.identity.usecases.planted -> services.identity.clients.planted",
        "services.profile.api.planted -> services.profile.jobs.planted",
        "services.messaging.domain.planted -> services.journey.domain",
        "services.segment.domain.planted -> launcher.ports",
        "services.segment.domain.planted_way -> socket",
        "services.journey.nodes.planted -> httpx",
        "services.profile.subscribers.planted -> nats",
    ):
        assert chain in verdict


def test_a_room_nobody_named_is_refused(verdict):
    assert "services.segment.helpers" in verdict
