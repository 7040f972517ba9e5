"""The part of kustomize that our manifests use, in Python, so that they are tested where there is no kubectl."""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

Resource = dict[str, Any]

# Lists that are merged by a key; every other list is replaced.
MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "topologySpreadConstraints": "topologyKey",
}
KNOWN = {"apiVersion", "kind", "namespace", "labels", "resources", "patches", "images", "replicas"}


def render(folder: Path) -> list[Resource]:
    """Give the resources that `kubectl kustomize FOLDER` prints."""
    (spec,) = documents(folder / "kustomization.yaml")
    unknown = set(spec) - KNOWN
    assert unknown == set(), f"{folder} uses what the renderer of the tests does not know: {unknown}"
    found: list[Resource] = []
    for name in spec["resources"]:
        path = folder / name
        found += render(path) if path.is_dir() else documents(path)
    for patch in spec.get("patches", []):
        found = apply(found, patch, folder)
    for resource in found:
        put_namespace(resource, spec.get("namespace"))
        put_labels(resource, spec.get("labels", []))
        put_replicas(resource, spec.get("replicas", []))
        put_images(resource, spec.get("images", []))
    return found


def documents(path: Path) -> list[Resource]:
    """Read the documents of a file; aliases become copies of their own."""
    return [deepcopy(document) for document in yaml.safe_load_all(path.read_text()) if document]


def apply(resources: list[Resource], patch: dict[str, Any], folder: Path) -> list[Resource]:
    """Merge a patch into the resources it is for."""
    text = patch["patch"] if "patch" in patch else (folder / patch["path"]).read_text()
    change = yaml.safe_load(text)
    own = {"kind": change["kind"], "name": change["metadata"]["name"]}
    target = patch.get("target", own)
    kept = []
    hits = 0
    for resource in resources:
        if not matches(resource, target):
            kept.append(resource)
            continue
        hits += 1
        if change.get("$patch") != "delete":
            name = resource["metadata"]["name"]
            merged = merge(resource, change)
            merged["metadata"]["name"] = name
            kept.append(merged)
    assert hits, f"a patch of {folder} is for nothing: {target}"
    return kept


def matches(resource: Resource, target: dict[str, str]) -> bool:
    """Say whether a resource is meant."""
    kind = re.fullmatch(target["kind"], resource["kind"])
    name = re.fullmatch(target.get("name", ".*"), resource["metadata"]["name"])
    return bool(kind and name)


def merge(old: Any, new: Any, field: str = "") -> Any:
    """Merge as a strategic merge patch does."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: merge(old.get(key), value, key) for key, value in new.items()}}
    key = MERGE_KEYS.get(field)
    if isinstance(old, list) and isinstance(new, list) and key is not None:
        merged = {item[key]: item for item in old}
        for item in new:
            merged[item[key]] = merge(merged.get(item[key]), item)
        return list(merged.values())
    return deepcopy(new)


def put_namespace(resource: Resource, namespace: str | None) -> None:
    """Put everything but the namespace itself into the namespace."""
    if namespace is not None and resource["kind"] != "Namespace":
        resource["metadata"]["namespace"] = namespace


def put_labels(resource: Resource, labels: list[dict[str, Any]]) -> None:
    """Add the common labels to resources and the templates of their pods and claims."""
    for label in labels:
        template = resource.get("spec", {}).get("template")
        claims = resource.get("spec", {}).get("volumeClaimTemplates", [])
        inner = [part.setdefault("metadata", {}) for part in [*([template] if template else []), *claims]]
        for metadata in (resource["metadata"], *inner):
            metadata.setdefault("labels", {}).update(label["pairs"])


def put_replicas(resource: Resource, replicas: list[dict[str, Any]]) -> None:
    """Set the number of replicas."""
    for choice in replicas:
        if resource["kind"] in ("Deployment", "StatefulSet") and resource["metadata"]["name"] == choice["name"]:
            resource["spec"]["replicas"] = choice["count"]


def put_images(resource: Resource, images: list[dict[str, str]]) -> None:
    """Set the tags of images."""
    for container in containers(resource):
        for image in images:
            if container["image"].partition(":")[0] == image["name"]:
                container["image"] = f"{image['name']}:{image['newTag']}"


def containers(resource: Resource) -> list[dict[str, Any]]:
    """Give the containers of a workload."""
    pod = pod_of(resource)
    return [*pod.get("initContainers", []), *pod.get("containers", [])]


def pod_of(resource: Resource) -> dict[str, Any]:
    """Give the pod's specification of a workload, empty for anything else."""
    template = resource.get("spec", {}).get("template", {})
    return template.get("spec", {}) if isinstance(template, dict) else {}
