"""hera's own client drives the simulator: written by others, it shows whether the API is what they expect."""

from __future__ import annotations

import pytest
from hera.exceptions import AlreadyExists, NotFound
from hera.workflows import WorkflowsService
from hera.workflows.models import (
    Workflow,
    WorkflowCreateRequest,
    WorkflowLintRequest,
    WorkflowTerminateRequest,
)
from manifests import pipeline


@pytest.fixture
def service(cluster):
    return WorkflowsService(host=cluster.url, token="Bearer secret", namespace="odm")


def request(name):
    return WorkflowCreateRequest(workflow=Workflow.model_validate(pipeline(name)))


def test_hera_creates_reads_lists_and_deletes(service, cluster, name):
    made = service.create_workflow(request(name))
    assert made.metadata.uid
    cluster.wait(name, "Succeeded")
    workflow = service.get_workflow(name)
    assert workflow.status.phase == "Succeeded" and len(workflow.status.nodes) == 6
    assert name in [item.metadata.name for item in service.list_workflows().items]
    service.delete_workflow(name)
    with pytest.raises(NotFound):
        service.get_workflow(name)


def test_hera_lints_and_terminates(service, cluster, name):
    cluster.process.sim("script", name=name, pods=[{"outcome": "hold"}])
    service.lint_workflow(WorkflowLintRequest(workflow=Workflow.model_validate(pipeline(name))))
    service.create_workflow(request(name))
    cluster.wait(name, "Running")
    assert service.terminate_workflow(name, WorkflowTerminateRequest(name=name)).spec.shutdown == "Terminate"
    cluster.wait(name, "Failed")


def test_hera_knows_our_errors_and_our_version(service, name):
    service.create_workflow(request(name))
    with pytest.raises(AlreadyExists):
        service.create_workflow(request(name))
    assert service.get_version().version.startswith("v4")
    assert service.get_info() is not None
