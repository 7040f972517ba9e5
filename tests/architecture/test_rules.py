import pytest

from tests.architecture.planted import Copy

FORBIDDEN = {
    "datetime.now": "from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)\n",
    "datetime.utcnow": "from datetime import datetime\n\nNOW = datetime.utcnow()\n",
    "date.today": "from datetime import date\n\nTODAY = date.today()\n",
    "time.time": "import time\n\nNOW = time.time()\n",
    "uuid.uuid4": "import uuid\n\nID = uuid.uuid4()\n",
    "os.environ": 'import os\n\nURL = os.environ["URL"]\n',
    "os.getenv": 'import os\n\nURL = os.getenv("URL")\n',
}
TANGLED = (
    "def tangled(n: int) -> int:\n"
    + "".join(f"    if n == {n}:\n        return {n * 7}\n" for n in range(9))
    + "    return n\n"
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("rules"))


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_service_may_not_reach_for_clock_ids_or_environment(copy, name):
    copy.plant("services/journey/usecases/planted.py", FORBIDDEN[name])
    assert "TID251" in copy.rules("services/journey/usecases/planted.py")


def test_the_settings_file_may_read_the_environment(copy):
    copy.plant("services/journey/settings.py", FORBIDDEN["os.environ"])
    assert "TID251" not in copy.rules("services/journey/settings.py")


def test_a_function_with_more_than_eight_ways_is_refused(copy):
    copy.plant("services/journey/domain/planted.py", TANGLED)
    assert "C901" in copy.rules("services/journey/domain/planted.py")
