import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES = ("identity", "profile", "segment", "journey", "messaging")


def test_the_file_is_what_compose_understands():
    tool = Path(sys.executable).parent / "check-jsonschema"
    command = [str(tool), "--builtin-schema", "vendor.compose-spec", str(PROJECT / "docker-compose.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_runs_without_rights_after_the_migrations(service):
    given = COMPOSE["services"][service]
    assert given["read_only"] is True
    assert given["cap_drop"] == ["ALL"]
    assert given["security_opt"] == ["no-new-privileges:true"]
    assert given["depends_on"]["migrations"] == {"condition": "service_completed_successfully"}
    assert given["build"]["args"] == {"SERVICE": service}
    (port,) = given["ports"]
    assert port.startswith("127.0.0.1:")


def test_stores_have_health_checks_and_are_not_published():
    for name in ("postgres", "nats", "clickhouse"):
        given = COMPOSE["services"][name]
        assert given["healthcheck"]["test"]
        assert "ports" not in given
        assert given["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_the_column_server_is_optional():
    assert COMPOSE["services"]["clickhouse"]["profiles"] == ["clickhouse"]
    assert COMPOSE["services"]["postgres"]["image"] == "postgres:18"


def test_no_secret_has_a_default():
    for name, given in COMPOSE["services"].items():
        for variable, value in given.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|KEY", variable) and not re.search(r"SMTP|CLICKHOUSE", variable):
                assert re.fullmatch(r"\$\{\w+(:\?[^}]+)?\}", str(value)), f"{name}: {variable}={value}"
