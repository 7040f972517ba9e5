import json
import socket
import stat

import pytest

from launcher.home import Home
from launcher.log_files import rotate
from launcher.nats_permissions import SERVICES
from launcher.ports import LOOPBACK
from launcher.trouble import Trouble
from libs.common.access.keys import kind_of


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path / "home")
    made.make()
    return made


def test_secrets_are_made_once_and_only_the_owner_reads_them(home):
    first = home.secrets()
    assert home.secrets() == first
    assert kind_of(first.admin_key) == "secret"
    assert set(first.roles) == {f"{service}_{role}" for service in SERVICES for role in ("owner", "app", "worker")}
    for name in ("secrets.json", "admin.key"):
        assert stat.S_IMODE((home.root / name).stat().st_mode) == 0o600
    assert "admin_key" not in (home.root / "secrets.json").read_text()


def test_a_secret_of_a_later_version_is_added_and_the_old_ones_stay(home):
    first = home.secrets()
    kept = json.loads((home.root / "secrets.json").read_text())
    del kept["nats.journey"]
    (home.root / "secrets.json").write_text(json.dumps(kept))
    second = home.secrets()
    assert second.master_key == first.master_key
    assert second.nats["journey"]
    assert home.secrets() == second


def test_damaged_secrets_are_not_made_anew(home):
    home.secrets()
    (home.root / "secrets.json").write_text("{")
    with pytest.raises(Trouble, match="is damaged"):
        home.secrets()


def test_ports_are_kept_while_they_are_free(home):
    first = home.ports(["identity", "profile"])
    assert len(set(first.values())) == 2
    assert home.ports(["identity", "profile"]) == first
    with socket.socket() as other:
        other.bind((LOOPBACK, first["profile"]))
        other.listen()
        second = home.ports(["identity", "profile"])
    assert second["identity"] == first["identity"]
    assert second["profile"] != first["profile"]


def test_a_port_of_the_operators_choice_that_is_taken_is_one_clear_line(home, monkeypatch):
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        monkeypatch.setenv("IDENTITY_PORT", str(other.getsockname()[1]))
        with pytest.raises(Trouble, match="is in use"):
            home.ports(["identity"])


def test_a_log_that_has_grown_is_put_aside_while_it_is_written_to(tmp_path):
    log = tmp_path / "journey.log"
    with log.open("ab", buffering=0) as writer:
        for round_ in range(5):
            writer.write(b"%d" % round_ + b"x" * 100)
            assert rotate(log, largest_bytes=100, kept=3)
        writer.write(b"after")
    assert log.read_bytes() == b"after"
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == ["journey.log", "journey.log.1", "journey.log.2", "journey.log.3"]
    assert (tmp_path / "journey.log.1").read_bytes().startswith(b"4x")
    assert not rotate(log, largest_bytes=100)
