"""Traces: a caller's context is taken up and passed on, spans go to a collector, and nobody ever waits for one.

What the collector gets is read by OpenTelemetry's own definitions from PyPI.
"""

import base64
import json
import re
import uuid as uuids

import pytest
import requests
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from harness.waiting import eventually


class Caller:
    """One caller's trace: the field it sends, and the digits to look for."""

    def __init__(self, flags="01"):
        self.trace = uuids.uuid4().hex
        self.span = uuids.uuid4().hex[:16]
        self.headers = {"traceparent": f"00-{self.trace}-{self.span}-{flags}"}


class Collector:
    """What a receiver got, as spans by name."""

    def __init__(self, receiver):
        self.receiver = receiver

    def spans(self, name=None):
        found = []
        for body in self.receiver.bodies():
            request = json_format.ParseDict(in_protobufs_json(body), ExportTraceServiceRequest())
            for resource in request.resource_spans:
                assert attributes(resource.resource)["service.name"] == "scaleodm-test"
                for scope in resource.scope_spans:
                    found += [span for span in scope.spans if name in (None, span.name)]
        return found

    def span(self, name, trace=None):
        return eventually(
            f"the span {name}",
            lambda: next((s for s in self.spans(name) if trace in (None, s.trace_id.hex())), None))


def in_protobufs_json(body):
    """OTLP writes ids in hexadecimal digits, where JSON of protobuf has base64."""
    for resource in body["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                assert len(span["traceId"]) == 32 and len(span["spanId"]) == 16
                for key in ("traceId", "spanId", "parentSpanId"):
                    if key in span:
                        span[key] = base64.b64encode(bytes.fromhex(span[key])).decode()
    return body


def attributes(thing):
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in thing.attributes}


def heard(stub, *endpoints):
    """Notes the traceparent field of requests to the stub: a dictionary by endpoint that fills up."""
    fields = {}
    for endpoint in endpoints:
        def note(handler, endpoint=endpoint):
            fields[endpoint] = handler.headers.get("traceparent")
        stub.hooks[endpoint] = note
    return fields


def traced(world, backends, **environment):
    receiver = world.receiver(200)
    gateway = world.gateway(backends, environment={
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_SERVICE_NAME": "scaleodm-test",
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20of-the-collector", **environment})
    return gateway, Collector(receiver)


def finished(gateway, stub, photos):
    uuid = gateway.api.submit(photos[:1])
    stub.only_task()
    eventually("it runs", lambda: stub.running())
    stub.end()
    gateway.api.wait(uuid, 40)
    return uuid


def test_spans_of_requests_and_transfers(world, photos):
    stub = world.stub()
    fields = heard(stub, "commit", "download")
    gateway, collector = traced(world, [{"name": "stub", "kind": "nodeodm", "url": stub.url}])
    uuid = finished(gateway, stub, photos)
    caller = Caller()
    gateway.api.call("GET", f"/task/{uuid}/download/all.zip", params={"token": "s3cret"}, headers=caller.headers)

    span = collector.span("GET download", caller.trace)
    assert span.parent_span_id.hex() == caller.span and span.kind == span.SPAN_KIND_SERVER
    assert fields["download"] == f"00-{caller.trace}-{span.span_id.hex()}-01", "the node is asked within our step"
    about = attributes(span)
    assert about["http.request.method"] == "GET" and about["http.response.status_code"] == 200
    assert about["http.route"] == "download" and about["url.path"] == f"/task/{uuid}/download/all.zip"
    assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano and span.status.code == 0

    span = collector.span("transfer")
    assert attributes(span) == {"scaleodm.task": uuid, "scaleodm.backend": "stub", "scaleodm.attempt": 1,
                                "scaleodm.outcome": "accepted"}
    assert fields["commit"] == f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01"
    assert collector.span("POST commit").parent_span_id == b"", "a trace begins where the caller has none"

    posts = collector.receiver.received
    assert all(p["path"] == "/v1/traces" and p["headers"]["Content-Type"] == "application/json" for p in posts)
    assert all(p["headers"]["authorization"] == "Bearer of-the-collector" for p in posts)
    assert b"s3cret" not in b"".join(p["body"] for p in posts), "queries may hold tokens"
    gateway.stop()
    assert not [line for line in gateway.program.lines if "of-the-collector" in line or "s3cret" in line]


def test_polls_are_sampled_unless_their_caller_traces_them(world):
    gateway, collector = traced(world, [])
    with requests.Session() as session:
        for _ in range(50):
            session.get(gateway.url + "/info", timeout=10)
        callers = [Caller() for _ in range(3)]
        silent = Caller(flags="00")
        for caller in [*callers, silent]:
            session.get(gateway.url + "/info", timeout=10, headers=caller.headers)
    for caller in callers:
        collector.span("GET info", caller.trace)
    traces = [span.trace_id.hex() for span in collector.spans("GET info")]
    assert len(traces) == 4, "one of the fifty, and the three"
    assert silent.trace not in traces, "what the caller doesn't record isn't recorded here"


def test_what_is_left_is_sent_at_the_end(world):
    gateway, collector = traced(world, [])
    for _ in range(3):
        gateway.api.get("/auth/info")
    gateway.stop()
    assert len(collector.spans("GET auth_info")) == 3


@pytest.mark.parametrize("away", ["refused", "silent", "failing"])
def test_nobody_waits_for_a_collector_that_is_away(world, photos, away):
    node = world.node(task_seconds=0.1)
    if away == "failing":
        url = world.receiver(503).url
    else:
        cable = world.cable(node.port)
        cable.block() if away == "silent" else cable.cut()
        url = f"http://127.0.0.1:{cable.port}"
    gateway = world.gateway([node], environment={"OTEL_EXPORTER_OTLP_ENDPOINT": url})
    gateway.api.wait(gateway.api.submit(photos[:1]), 40, seconds=30)

    def dropped():
        text = requests.get(gateway.admin_url + "/metrics", timeout=10).text
        return float(re.search(r'scaleodm_trace_spans_total\{outcome="dropped"\} (\S+)', text).group(1))

    eventually("spans are dropped and counted", lambda: dropped() >= 3)
    gateway.stop()


def test_without_a_collector_a_download_passes_the_callers_field_on(world, photos):
    stub = world.stub()
    fields = heard(stub, "download", "init", "info")
    gateway = world.gateway([{"name": "stub", "kind": "nodeodm", "url": stub.url}])
    uuid = finished(gateway, stub, photos)
    caller = Caller()
    gateway.api.call("GET", f"/task/{uuid}/download/all.zip", headers=caller.headers)
    assert fields["download"] == caller.headers["traceparent"]
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", fields["init"]), "transfers have their ids all the same"
    assert fields["info"] is None, "readings of the load belong to no trace"


def test_webhooks_carry_a_context(world, photos):
    receiver = world.receiver(200)
    gateway = world.gateway([world.node(task_seconds=0.1)])
    gateway.api.submit(photos[:1], webhook=receiver.url)
    post = receiver.wait_for(1)[0]
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", post["headers"]["traceparent"])


# The log.


def entries(gateway):
    gateway.stop()
    return [json.loads(line) for line in gateway.program.lines if line.startswith("{")]


def test_a_line_names_its_request_and_its_trace(world):
    gateway = world.gateway([], {"log": {"format": "json"}})
    caller = Caller()
    gateway.api.call("GET", "/auth/info", headers=caller.headers)
    gateway.api.call("GET", "/auth/info", headers={"traceparent": "00-nonsense"})
    gateway.api.call("GET", "/auth/info")
    lines = [entry for entry in entries(gateway) if entry.get("route") == "auth_info"]
    assert [line["trace"] == caller.trace for line in lines] == [True, False, False]
    assert all(re.fullmatch("[0-9a-f]{32}", line["trace"]) for line in lines)
    assert all(re.fullmatch("[0-9a-f]{16}", line["request"]) for line in lines)
    assert len({line["request"] for line in lines} - {caller.span}) == 3


def test_lines_of_a_transfer_name_its_trace_and_task(world, photos):
    stub = world.stub()
    fields = heard(stub, "init")
    stub.hooks["commit"] = lambda handler: handler.send_json({"error": "no room"}) or True
    gateway = world.gateway([{"name": "stub", "kind": "nodeodm", "url": stub.url}], {"log": {"format": "json"}})
    uuid = gateway.api.submit(photos[:1])
    gateway.program.wait_for_line("attempt given back")
    first = next(e for e in entries(gateway) if e["message"] == "attempt given back")
    assert first["task"] == uuid and first["backend"] == "stub" and first["level"] == "warning"
    assert len(first["trace"]) == 32 and fields["init"].startswith("00-")


@pytest.mark.parametrize("level", ["info", "debug"])
def test_good_answers_to_polls_are_sampled(world, level):
    gateway = world.gateway([], {"log": {"format": "json", "level": level}})
    with requests.Session() as session:
        for _ in range(250):
            assert session.get(gateway.url + "/info", timeout=10).status_code == 200
        for _ in range(5):
            assert session.get(gateway.url + "/nowhere", timeout=10).status_code == 404
    lines = [entry for entry in entries(gateway) if entry["message"] == "request"]
    polls = [line for line in lines if line["route"] == "info"]
    if level == "info":
        # One connection stays on one loop.
        assert len(polls) == 3 and all(line["stands_for"] == 100 for line in polls)
    else:
        assert len(polls) == 250 and not any("stands_for" in line for line in polls)
    assert len([line for line in lines if line["status"] == 404]) == 5, "what isn't good is always written"
