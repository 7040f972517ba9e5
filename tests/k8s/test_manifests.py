import ipaddress
import json
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from launcher.nats_file import nats_file
from libs.common.settings import SAMPLE_SECRETS
from tests.k8s.rendering import Resource, containers, pod_of, render

K8S = Path(__file__).resolve().parents[2] / "k8s"
SERVICES = ("identity", "profile", "segment", "journey", "messaging")
WORKERS = {"identity-worker": "identity"}
"""Workloads that work off what a service takes in, beside the one that answers."""
LAYOUTS = ("base", "overlays/production", "overlays/embedded-columns")
RENDERED = {layout: render(K8S / layout) for layout in LAYOUTS}


def key(resource: Resource) -> tuple[str, str]:
    return resource["kind"], resource["metadata"]["name"]


def of_kind(layout: str, *kinds: str) -> dict[str, Resource]:
    return {one["metadata"]["name"]: one for one in RENDERED[layout] if one["kind"] in kinds}


WORKLOADS = [
    pytest.param(resource, id=f"{layout}:{resource['metadata']['name']}")
    for layout in LAYOUTS
    for resource in RENDERED[layout]
    if pod_of(resource)
]
SERVING = [param for param in WORKLOADS if param.values[0]["kind"] != "Job"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_resource_is_valid_and_has_no_unknown_field(layout):
    for resource in RENDERED[layout]:
        kubernetes_validate.validate(resource, "1.37", strict=True)


def test_an_unknown_field_would_be_seen():
    (deployment, *_) = of_kind("base", "Deployment").values()
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**deployment, "spec": {**deployment["spec"], "replica": 2}}, "1.37", strict=True)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not here; the renderer of the tests stands in")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_renderer_of_the_tests_says_what_kustomize_says(layout):
    command = ["kubectl", "kustomize", str(K8S / layout)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    theirs = {key(one): one for one in yaml.safe_load_all(answer.stdout)}
    ours = {key(one): one for one in RENDERED[layout]}
    assert ordered(ours) == ordered(theirs)


def ordered(resources: dict[tuple[str, str], Resource]) -> dict[str, str]:
    return {str(name): json.dumps(sorted_lists(one), sort_keys=True) for name, one in resources.items()}


def sorted_lists(value):
    if isinstance(value, dict):
        return {name: sorted_lists(part) for name, part in value.items()}
    if isinstance(value, list):
        return sorted((sorted_lists(part) for part in value), key=lambda part: json.dumps(part, sort_keys=True))
    return value


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_service_has_one_workload_a_name_an_account_and_a_disruption_budget(layout):
    workloads = of_kind(layout, "Deployment", "StatefulSet")
    assert set(workloads) == {*SERVICES, *WORKERS}
    for service in SERVICES:
        labels = workloads[service]["spec"]["template"]["metadata"]["labels"]
        assert workloads[service]["spec"]["selector"]["matchLabels"].items() <= labels.items()
        assert of_kind(layout, "Service")[service]["spec"]["selector"].items() <= labels.items()
        budget = of_kind(layout, "PodDisruptionBudget")[service]["spec"]
        assert budget["maxUnavailable"] == 1
        assert budget["selector"]["matchLabels"].items() <= labels.items()
        assert pod_of(workloads[service])["serviceAccountName"] == service
        assert of_kind(layout, "ServiceAccount")[service]["automountServiceAccountToken"] is False


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("worker", WORKERS)
def test_a_worker_does_all_that_the_workload_that_answers_leaves_and_is_asked_nothing(layout, worker):
    workloads, budgets = of_kind(layout, "Deployment"), of_kind(layout, "PodDisruptionBudget")
    answering, working = workloads[WORKERS[worker]], workloads[worker]
    assert roles_of(answering) == {"api"}
    assert roles_of(working) == {"subscribers", "jobs"}
    asked = of_kind(layout, "Service")[WORKERS[worker]]["spec"]["selector"]
    for one in (answering, working):
        labels = one["spec"]["template"]["metadata"]["labels"]
        others = {working["metadata"]["name"], answering["metadata"]["name"]} - {one["metadata"]["name"]}
        assert (asked.items() <= labels.items()) is (one is answering)
        assert one["spec"]["selector"]["matchLabels"].items() <= labels.items()
        for other in others:
            theirs = workloads[other]["spec"]["template"]["metadata"]["labels"]
            assert not one["spec"]["selector"]["matchLabels"].items() <= theirs.items()
        budget = budgets[one["metadata"]["name"]]["spec"]["selector"]["matchLabels"]
        assert budget == one["spec"]["selector"]["matchLabels"]
    assert {**pod_of(working), "containers": []} == {**pod_of(answering), "containers": []}


def roles_of(workload: Resource) -> set[str]:
    (container,) = containers(workload)
    return {role for one in container["env"] if one["name"] == "RAPPORT_ROLES" for role in one["value"].split(",")}


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_pod_is_not_root_has_no_token_and_a_system_call_filter(workload):
    pod = pod_of(workload)
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    security = pod["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] >= 10000
    assert security["runAsGroup"] >= 10000
    assert security["fsGroup"] >= 10000
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert all("hostPath" not in volume for volume in pod["volumes"])


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_container_cannot_gain_rights_or_write_its_own_files(workload):
    for container in containers(workload):
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["readOnlyRootFilesystem"] is True
        assert security["privileged"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_container_has_requests_limits_and_bounded_scratch_space(workload):
    for container in containers(workload):
        for bound in ("requests", "limits"):
            assert set(container["resources"][bound]) == {"cpu", "memory"}
    scratch = [volume["emptyDir"] for volume in pod_of(workload)["volumes"] if "emptyDir" in volume]
    assert all("sizeLimit" in volume for volume in scratch)


@pytest.mark.parametrize("workload", SERVING)
def test_a_service_is_asked_whether_it_lives_and_whether_it_is_ready(workload):
    (container,) = containers(workload)
    assert container["livenessProbe"]["httpGet"] == {"path": "/live", "port": "http"}
    assert container["startupProbe"]["httpGet"] == {"path": "/live", "port": "http"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/ready", "port": "http"}
    assert container["ports"] == [{"name": "http", "containerPort": 8080}]
    # 5 s until endpoints forget it, 20 s of grace in the service, and some air.
    assert container["lifecycle"]["preStop"]["sleep"]["seconds"] == 5
    assert pod_of(workload)["terminationGracePeriodSeconds"] > 5 + 20


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_new_version_takes_no_replica_away_before_its_own_is_ready(layout):
    for deployment in of_kind(layout, "Deployment").values():
        assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_what_can_grow_grows_and_the_owner_of_columns_does_not():
    for layout in LAYOUTS:
        assert set(of_kind(layout, "HorizontalPodAutoscaler")) == {*SERVICES, *WORKERS} - {"segment"}


def test_columns_in_the_process_mean_one_replica_with_a_disk():
    assert "segment" not in of_kind("overlays/embedded-columns", "Deployment")
    segment = of_kind("overlays/embedded-columns", "StatefulSet")["segment"]["spec"]
    assert segment["replicas"] == 1
    (claim,) = segment["volumeClaimTemplates"]
    mounted = {
        mount["name"]: mount["mountPath"] for mount in segment["template"]["spec"]["containers"][0]["volumeMounts"]
    }
    assert mounted[claim["metadata"]["name"]] == "/var/lib/rapport"


def test_the_namespace_refuses_pods_that_are_not_restricted():
    labels = of_kind("base", "Namespace")["rapport"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_everything_lives_in_the_namespace(layout):
    outside = [key(one) for one in RENDERED[layout] if one["metadata"].get("namespace") != "rapport"]
    assert outside == [("Namespace", "rapport")]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_network_is_closed_but_for_what_is_named(layout):
    policies = of_kind(layout, "NetworkPolicy")
    deny = policies.pop("default-deny")["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for policy in policies.values():
        for way in policy["spec"].get("egress", []) + policy["spec"].get("ingress", []):
            assert way.get("to") or way.get("from"), "a rule without peers is open to all"
            assert way["ports"], "a rule without ports is open to all"


def test_only_messaging_and_identity_reach_the_world_and_no_private_address():
    outward = {"allow-handoff": "messaging", "allow-questions": "identity"}
    for name, policy in of_kind("base", "NetworkPolicy").items():
        blocks = [
            peer["ipBlock"] for way in policy["spec"].get("egress", []) for peer in way["to"] if "ipBlock" in peer
        ]
        if name not in outward:
            assert blocks == []
            continue
        (block,) = blocks
        assert policy["spec"]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": outward[name]}
        closed = [ipaddress.ip_network(one) for one in block["except"]]
        for address in ("10.1.2.3", "127.0.0.1", "169.254.169.254", "172.20.0.1", "192.168.1.1", "100.64.0.1"):
            assert any(ipaddress.ip_address(address) in one for one in closed), address


def test_the_secrets_are_a_template_that_no_service_starts_with():
    secrets = of_kind("base", "Secret")
    shared = secrets["rapport-shared"]["stringData"]
    assert set(shared) == {"RAPPORT_MASTER_KEY", "RAPPORT_SERVICE_SECRET"}
    assert set(shared.values()) <= SAMPLE_SECRETS
    for name, secret in secrets.items():
        for variable, value in secret["stringData"].items():
            if variable.endswith("PASSWORD"):
                assert value in ("changeme", ""), f"{name} {variable}"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_gets_its_own_secret_and_no_others(service):
    for layout in LAYOUTS:
        (container,) = containers(of_kind(layout, "Deployment", "StatefulSet")[service])
        named = {source["secretRef"]["name"] for source in container["envFrom"] if "secretRef" in source}
        assert named == {"rapport-shared", f"rapport-{service}"}


def test_no_plain_value_in_a_workload_or_the_shared_configuration_is_a_secret():
    words = ("PASSWORD", "SECRET", "KEY", "DATABASE_URL")
    names = [name for one in of_kind("base", "ConfigMap").values() for name in one["data"]]
    names += [
        variable["name"] for one in RENDERED["base"] for box in containers(one) for variable in box.get("env", [])
    ]
    assert [name for name in names if any(word in name for word in words)] == []


def test_the_bus_configuration_is_what_the_embedded_server_grants():
    assert (K8S / "base" / "nats.conf").read_text() == nats_file(), (
        "write it anew: python -m launcher.nats_file > k8s/base/nats.conf"
    )
