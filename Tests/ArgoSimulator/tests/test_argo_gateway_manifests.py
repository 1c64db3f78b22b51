"""The gateway's manifests before Argo's own description and before hera's independent model."""

from __future__ import annotations

import re

import pytest
from argo_simulator import substitution, validation
from gateway_manifests import NAMES, containers, document, manifest


@pytest.mark.parametrize("name", NAMES)
def test_argos_closed_schema_knows_every_key(name):
    errors = [f"{'/'.join(map(str, e.path))}: {e.message}" for e in validation.validator().iter_errors(manifest(name))]
    assert not errors, errors


@pytest.mark.parametrize("name", NAMES)
def test_hera_reads_it(name):
    from hera.workflows.models import Workflow

    read = Workflow.model_validate(manifest(name))
    assert read.metadata.name == manifest(name)["metadata"]["name"]


@pytest.mark.parametrize("name", NAMES)
def test_the_simulated_cluster_takes_it(cluster, name):
    answer = cluster.create(manifest(name), serverDryRun=True)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_it_is_expanded_but_what_the_exit_handler_asks_for(name):
    workflow = manifest(name)
    tags = {tag for template in workflow["spec"]["templates"] for tag in re.findall(r"\{\{.*?\}\}", repr(template))}
    assert tags <= {"{{workflow.status}}", "{{workflow.failures}}"}
    substitution.check(workflow)


def test_a_users_text_arrives_whole_and_nowhere_else():
    workflow = manifest("everything")
    nasty = '{{workflow.name}} $(id) `x` "q"\n;'
    assert nasty in document(workflow)["args"]
    packed = containers(workflow)["download"]["env"][0]
    assert packed["name"] == "GW_TASK_B64" and re.fullmatch(r"[A-Za-z0-9_=-]+", packed["value"])
    packed["value"] = ""
    assert "$(id)" not in repr(containers(workflow)["download"]["env"])
