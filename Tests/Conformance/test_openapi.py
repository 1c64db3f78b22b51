"""The OpenAPI file of the admin API: valid, the one that the gateway gives, and kept by its answers.

schemathesis asks what the file allows, and what it doesn't, with a fixed seed; every answer has to be one that the file tells of.
"""

import json
import pathlib
import zlib

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.checks import not_a_server_error

from harness.waiting import eventually

FILE = pathlib.Path(__file__).resolve().parents[2] / "Sources" / "Gateway" / "Admin" / "openapi.json"
TOKEN = "open-sesame"
HEADERS = {"Authorization": f"Bearer {TOKEN}", "X-ScaleODM-Admin": "1"}
API = schemathesis.openapi.from_path(FILE)
#: A stream has no end to wait for: test_live_api.py reads it. What removes comes last, so that there is something to ask for.
OPERATIONS = {
    f"{operation.method.upper()} {operation.path}": operation
    for operation in sorted((found.ok() for found in API.get_all_operations()), key=lambda one: one.method == "delete")
    if operation.path != "/api/events"}
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance]
#: The keys of a backend's definition that the file tells of.
DEFINED = API.raw_schema["components"]["schemas"]["BackendDefinition"]["properties"]
#: Nobody listens there: a backend that is made up must not be anybody's.
NOWHERE = "http://127.0.0.1:9"


class Operator(requests.auth.AuthBase):
    """Puts token and header on whatever is sent: without them nothing but 401 and 403 would be seen."""

    def __call__(self, request):
        request.headers.update(HEADERS)
        return request


def test_the_file_is_valid_openapi():
    OpenAPIV31SpecValidator(json.loads(FILE.read_text())).validate()


@pytest.fixture(scope="module")
def running(scratch, photos):
    """A gateway with backends of both sources and tasks in several states."""
    from conftest import World

    world = World(scratch / "openapi")
    world.folder.mkdir()
    yield prepared(world, photos)
    world.close()


def prepared(world, photos):
    nodes = [world.node("fra", task_seconds=0.2), world.node("nyc", max_parallel=1, task_seconds=3600)]
    gateway = world.gateway(nodes[:1], {"admin": {"token": TOKEN}})
    call(gateway, "POST", "/api/backends", json={**nodes[1].backend(), "labels": {"pool": "slow"}})
    done = gateway.api.submit(photos[:2], name="done")
    gateway.api.wait(done, 40)
    call(gateway, "POST", "/api/backends/fra/lock")
    busy = gateway.api.submit(photos[:2], name="busy")
    eventually("one runs", lambda: state(gateway, busy) == "placed")
    waiting = gateway.api.submit(photos[:2], name="waiting")
    receiving = gateway.api.init(name="receiving")["uuid"]
    gateway.known = {"uuid": [done, busy, waiting, receiving], "name": ["fra", "nyc"]}
    return gateway


def call(gateway, method, path, **settings):
    answer = requests.request(method, gateway.admin_url + path, headers=HEADERS, timeout=30, **settings)
    assert answer.status_code < 300, answer.text
    return answer


def state(gateway, uuid):
    return call(gateway, "GET", f"/api/tasks/{uuid}").json()["state"]


def test_the_gateway_gives_the_file_without_a_token(running):
    answer = requests.get(running.admin_url + "/openapi.json", timeout=30)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("application/json")
    assert answer.json() == json.loads(FILE.read_text())


def aimed(case, known):
    """The case, in half of all cases at something that is there; what it adds leads nowhere."""
    for name, value in (case.path_parameters or {}).items():
        hash = zlib.crc32(str(value).encode())
        if hash % 2:
            case.path_parameters[name] = known[name][hash // 2 % len(known[name])]
    if case.path == "/api/backends" and isinstance(case.body, dict):
        case.body["url"] = NOWHERE
        if zlib.crc32(repr(case.body).encode()) % 2:
            case.body = {key: case.body[key] for key in case.body if key in DEFINED}
    return case


def takes_nothing(operation):
    """Whether nothing can be wrong with a call: neither parameters nor a token."""
    raw = operation.definition.raw
    return "parameters" not in raw and "requestBody" not in raw and raw.get("security") == []


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_every_answer_is_one_of_the_files(running, operation, mode):
    asked = []

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=12, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    def ask(case):
        case = aimed(case, running.known)
        asked.append(case)
        case.call_and_validate(base_url=running.admin_url, auth=Operator(), checks=CHECKS, timeout=30)

    if mode is GenerationMode.NEGATIVE and takes_nothing(operation):
        with pytest.raises(Unsatisfiable):
            ask()
        return
    ask()
    assert asked


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_without_the_token_or_the_header_nothing_is_done(running, operation):
    path = operation.path.format(name="fra", uuid=running.known["uuid"][0])
    answer = requests.request(operation.method, running.admin_url + path, timeout=30)
    security = operation.definition.raw.get("security")
    assert answer.status_code == (200 if security == [] else 401), answer.text
    if operation.method.upper() != "GET":
        answer = requests.request(
            operation.method, running.admin_url + path, headers={"Authorization": HEADERS["Authorization"]}, timeout=30)
        assert answer.status_code == 403, answer.text
    operation.validate_response(answer)
