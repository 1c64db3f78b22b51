"""The metrics: names, types and labels as operators' dashboards and alerts know them, and that they count what happens.

Read by Prometheus' own parser from PyPI and by promtool; config/alerts.yaml, the dashboard and the operator's manual are held
to the same names.
"""

import json
import pathlib
import re
import shutil
import subprocess
import time

import pytest
import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from harness.waiting import eventually

ROOT = pathlib.Path(__file__).resolve().parents[2]
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)

#: Every metric with its type and its labels.
METRICS = {
    "scaleodm_http_requests_total": ("counter", {"listener", "route", "method", "code"}),
    "scaleodm_http_request_duration_seconds": ("histogram", {"listener", "route"}),
    "scaleodm_http_requests_in_flight": ("gauge", set()),
    "scaleodm_http_received_bytes_total": ("counter", set()),
    "scaleodm_http_sent_bytes_total": ("counter", set()),
    "scaleodm_upstream_requests_total": ("counter", {"backend", "operation", "outcome"}),
    "scaleodm_upstream_request_duration_seconds": ("histogram", {"backend", "operation"}),
    "scaleodm_upstream_connections": ("gauge", {"backend", "state"}),
    "scaleodm_backend_up": ("gauge", {"backend", "kind"}),
    "scaleodm_backend_state": ("gauge", {"backend", "state"}),
    "scaleodm_backend_slots": ("gauge", {"backend", "state"}),
    "scaleodm_backend_load_age_seconds": ("gauge", {"backend"}),
    "scaleodm_tasks": ("gauge", {"state", "backend"}),
    "scaleodm_task_transitions_total": ("counter", {"from", "to"}),
    "scaleodm_queue_wait_seconds": ("histogram", set()),
    "scaleodm_queue_tasks": ("gauge", {"tier"}),
    "scaleodm_placements_total": ("counter", {"backend", "reason"}),
    "scaleodm_dispatch_failures_total": ("counter", {"backend", "code"}),
    "scaleodm_task_duration_seconds": ("histogram", {"backend", "outcome"}),
    "scaleodm_storage_bytes": ("gauge", {"kind"}),
    "scaleodm_storage_free_bytes": ("gauge", set()),
    "scaleodm_janitor_removed_bytes_total": ("counter", {"kind"}),
    "scaleodm_webhook_deliveries_total": ("counter", {"outcome"}),
    "scaleodm_webhook_backlog": ("gauge", set()),
    "scaleodm_mirror_answers_total": ("counter", {"source"}),
    "scaleodm_database_up": ("gauge", set()),
    "scaleodm_database_request_duration_seconds": ("histogram", {"statement"}),
    "scaleodm_event_loop_lag_seconds": ("gauge", {"loop"}),
    "scaleodm_config_last_reload_successful": ("gauge", set()),
    "scaleodm_config_last_reload_success_timestamp_seconds": ("gauge", set()),
    "scaleodm_certificate_expiry_timestamp_seconds": ("gauge", {"backend", "use"}),
    "scaleodm_trace_spans_total": ("counter", {"outcome"}),
    "scaleodm_build_info": ("gauge", {"version"}),
    "process_cpu_seconds_total": ("counter", set()),
    "process_resident_memory_bytes": ("gauge", set()),
    "process_virtual_memory_bytes": ("gauge", set()),
    "process_open_fds": ("gauge", set()),
    "process_max_fds": ("gauge", set()),
    "process_threads": ("gauge", set()),
    "process_start_time_seconds": ("gauge", set()),
}


def text(gateway, **headers):
    answer = requests.get(gateway.admin_url + "/metrics", timeout=10, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


class Scrape:
    """One scrape, read by Prometheus' parser."""

    def __init__(self, gateway):
        answer = text(gateway)
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        self.text = answer.text
        # The parser calls a counter by its name without the ending.
        self.families = {f.name + ("_total" if f.type == "counter" else ""): f for f in parse(self.text)}

    def values(self, sample, **labels):
        return [s.value for f in self.families.values() for s in f.samples
                if s.name == sample and labels.items() <= s.labels.items()]

    def value(self, sample, **labels):
        return sum(self.values(sample, **labels))


def promtool(*words, **settings):
    tool = shutil.which("promtool")
    assert tool, "promtool is missing: scripts/install-packages.sh test installs Debian's prometheus"
    return subprocess.run([tool, *(str(w) for w in words)], capture_output=True, text=True, timeout=60, **settings)


@pytest.fixture
def lived(world, photos):
    """A gateway in which a little of everything has happened: itself, a scrape from before, one from after, and a task."""
    receiver = world.receiver(500, 200)
    node = world.node("good", task_seconds=0.2)
    key = client_key(world.folder)
    held = {**world.node("held").backend(), "tier": 1, "max_images": 1,
            "client_certificate": f"{key}.pem", "client_key": str(key)}
    gateway = world.gateway([node, held])
    before = eventually("both backends answer", lambda: (s := Scrape(gateway)).value("scaleodm_backend_up") == 2 and s)
    node.set(refuseCommit="no room")
    uuid = gateway.api.submit(photos[:3], webhook=receiver.url)
    eventually("a placement fails", lambda: Scrape(gateway).value("scaleodm_dispatch_failures_total") >= 1)
    node.set(refuseCommit="")
    gateway.api.wait(uuid, 40, seconds=60)
    size = len(gateway.api.download(uuid).content)
    gateway.api.get("/task/11111111-2222-4333-8444-555555555555/info")
    receiver.wait_for(2, seconds=30)
    after = eventually(
        "the webhook is counted",
        lambda: (s := Scrape(gateway)).value("scaleodm_webhook_deliveries_total", outcome="delivered") == 1 and s)
    gateway.downloaded = size
    return gateway, before, after, uuid


def client_key(folder):
    """A key, and beside it (`.pem`) a certificate that is valid for a year."""
    key = folder / "client"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365", "-subj", "/CN=gateway",
         "-keyout", key, "-out", f"{key}.pem"], check=True, capture_output=True)
    return key


def test_every_metric_has_its_name_type_and_labels(lived):
    _, _, after, _ = lived
    assert set(after.families) == set(METRICS)
    for name, (kind, labels) in METRICS.items():
        family = after.families[name]
        assert family.type == kind, name
        assert family.documentation, name
        for sample in family.samples:
            expected = labels | ({"le"} if sample.name.endswith("_bucket") and kind == "histogram" else set())
            assert set(sample.labels) == expected, sample


def test_no_label_names_a_task_a_path_or_a_message(lived):
    _, _, after, uuid = lived
    assert uuid not in after.text
    for family in after.families.values():
        for sample in family.samples:
            for label, value in sample.labels.items():
                assert not UUID.search(value) and re.fullmatch(r"[A-Za-z0-9_.+-]*", value), (sample.name, label, value)


def test_counters_say_what_happened(lived):
    gateway, before, after, _ = lived

    def grew(sample, **labels):
        return after.value(sample, **labels) - before.value(sample, **labels)

    for move in (("none", "receiving"), ("receiving", "queued"), ("dispatching", "placed"), ("placed", "completed")):
        assert grew("scaleodm_task_transitions_total", **{"from": move[0], "to": move[1]}) == 1, move
    dispatched = grew("scaleodm_task_transitions_total", **{"from": "queued", "to": "dispatching"})
    returned = grew("scaleodm_task_transitions_total", **{"from": "dispatching", "to": "queued"})
    assert dispatched == returned + 1 and returned >= 1
    assert grew("scaleodm_queue_wait_seconds_count") == dispatched
    assert grew("scaleodm_placements_total", backend="good") == dispatched
    assert grew("scaleodm_dispatch_failures_total", backend="good") == returned
    assert grew("scaleodm_task_duration_seconds_count", backend="good", outcome="completed") == 1
    assert grew("scaleodm_http_requests_total", route="download", method="GET", code="200") == 1
    assert grew("scaleodm_http_request_duration_seconds_count", listener="api", route="download") == 1
    assert grew("scaleodm_http_sent_bytes_total") > gateway.downloaded
    assert grew("scaleodm_upstream_requests_total", backend="good", operation="download", outcome="ok") == 1
    assert grew("scaleodm_upstream_requests_total", backend="good", operation="commit") == dispatched
    assert grew("scaleodm_upstream_request_duration_seconds_count", backend="good", operation="stage") == dispatched
    assert grew("scaleodm_webhook_deliveries_total", outcome="refused") == 1
    assert grew("scaleodm_mirror_answers_total", source="memory") > 1
    assert grew("scaleodm_mirror_answers_total", source="record") >= 1
    assert grew("scaleodm_database_request_duration_seconds_count", statement="task.lock") > 5
    assert after.value("scaleodm_tasks", state="completed", backend="good") == 1
    assert after.value("scaleodm_storage_bytes", kind="inputs") > 100
    assert after.value("scaleodm_storage_free_bytes") > 1_000_000
    assert after.value("scaleodm_http_requests_in_flight") == 1, "this scrape"


def test_gauges_say_what_is(lived):
    _, _, after, _ = lived
    assert after.values("scaleodm_backend_up", backend="good", kind="nodeodm") == [1]
    assert after.value("scaleodm_backend_state", backend="good") == 1
    assert after.value("scaleodm_backend_state", backend="good", state="online") == 1
    assert after.value("scaleodm_backend_slots", backend="good", state="free") == 1
    assert 0 <= after.value("scaleodm_backend_load_age_seconds", backend="good") < 5
    assert after.value("scaleodm_database_up") == 1 and after.value("scaleodm_config_last_reload_successful") == 1
    assert abs(after.value("scaleodm_config_last_reload_success_timestamp_seconds")
               - after.value("process_start_time_seconds")) < 60
    assert after.values("scaleodm_event_loop_lag_seconds", loop="control-0")[0] >= 0
    assert after.value("process_open_fds") < after.value("process_max_fds")
    remaining = after.value("scaleodm_certificate_expiry_timestamp_seconds", backend="held", use="client") - time.time()
    assert 364 * 86400 < remaining < 366 * 86400


def test_a_backend_that_is_away_and_a_task_that_waits_show(world, photos):
    node = world.node(hold=True)
    gateway = world.gateway([node], {"scheduling": {"offline_after": 1, "prefetch": 0}})
    for _ in range(3):
        gateway.api.submit(photos[:1])
    eventually("two wait", lambda: Scrape(gateway).value("scaleodm_queue_tasks", tier="0") == 2)
    eventually("it is counted", lambda: Scrape(gateway).value("scaleodm_tasks", state="queued", backend="") == 2)
    scrape = eventually("one runs", lambda: (s := Scrape(gateway)).value("scaleodm_tasks", state="placed") == 1 and s)
    assert scrape.value("scaleodm_backend_slots", backend="node1", state="used") == 1
    node.kill()
    eventually("it is down", lambda: Scrape(gateway).values("scaleodm_backend_up") == [0])
    assert Scrape(gateway).value("scaleodm_backend_state", state="offline") == 1
    failed = "scaleodm_upstream_requests_total"
    assert Scrape(gateway).value(failed, operation="load", outcome="notSent") >= 1


def test_retention_is_counted(world, photos):
    gateway = world.gateway([world.node(task_seconds=0.1)], {"limits": {"input_retention": "1s", "stale_upload": "2s"}})
    size = sum(len(data) for _, data in photos[:2])
    gateway.api.wait(gateway.api.submit(photos[:2]), 40)
    gateway.api.ready(photos[:2])
    name = "scaleodm_janitor_removed_bytes_total"
    eventually("both are removed", lambda: (s := Scrape(gateway)).value(name, kind="inputs") == size
               and s.value(name, kind="uploads") == size)


def test_openmetrics_for_who_asks(lived):
    gateway, _, after, _ = lived
    answer = text(gateway, Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert answer.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    families = {f.name + ("_total" if f.type == "counter" else ""): f for f in parse_openmetrics(answer.text)}
    assert set(families) == set(after.families)


def test_promtool_finds_nothing_wrong(lived):
    _, _, after, _ = lived
    answer = promtool("check", "metrics", input=after.text)
    # It would have no labels named after metrics' parts, and no metric without a help; both it says on stderr.
    assert answer.returncode == 0 and not answer.stderr, answer


def test_it_needs_the_token(world):
    gateway = world.gateway([], {"admin": {"token": "open-sesame"}})
    assert requests.get(gateway.admin_url + "/metrics", timeout=10).status_code == 401
    assert "scaleodm_build_info" in text(gateway, Authorization="Bearer open-sesame").text


def test_it_answers_before_the_database_does(world):
    """Then it says that the database is down, which is what an alert waits for."""
    gateway = world.gateway([], {"database": "postgresql://nobody@127.0.0.1:9/none"}, start=False)
    gateway.start(wait=False)
    gateway.admin_url = gateway.program.wait_for_line(r"admin on (http://[^ ]*)").group(1)
    assert Scrape(gateway).values("scaleodm_database_up") == [0]


# What else knows the names.


def names_in(expression):
    """The metrics of a PromQL expression, by the names of their families."""
    names = set(re.findall(r"\b(?:scaleodm|process)_[a-z_]+", expression))
    return {re.sub(r"_(bucket|sum|count)$", "", name) if name not in METRICS else name for name in names}


def test_the_alerts_are_sound():
    rules = ROOT / "config" / "alerts.yaml"
    answer = promtool("check", "rules", rules)
    assert answer.returncode == 0, answer
    examples = pathlib.Path(__file__).parent / "alerts_test.yaml"
    answer = promtool("test", "rules", examples)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    text = rules.read_text()
    alerts = re.findall(r"alert: (\w+)", text)
    assert names_in(text) <= set(METRICS), names_in(text) - set(METRICS)
    assert all(f"alertname: {alert}" in examples.read_text() for alert in alerts)
    manual = (ROOT / "docs" / "operations.md").read_text()
    assert [alert for alert in alerts if f"`{alert}`" not in manual] == []


def test_the_dashboard_asks_for_what_there_is():
    dashboard = json.loads((ROOT / "config" / "grafana-dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert len(expressions) > 30
    for expression in expressions:
        names = names_in(expression)
        assert names and names <= set(METRICS), expression
        query = expression.replace("$job", ".*").replace("$instance", ".*")
        assert expression.count("(") == expression.count(")") and "$" not in query, expression
    identities = [panel["id"] for panel in dashboard["panels"]]
    assert len(identities) == len(set(identities))
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]


def test_the_dashboards_expressions_are_promql(tmp_path):
    """Written as rules, since promtool checks nothing else."""
    dashboard = json.loads((ROOT / "config" / "grafana-dashboard.json").read_text())
    rules = [{"record": f"panel:{number}", "expr": target["expr"].replace("$job", ".*").replace("$instance", ".*")}
             for number, target in enumerate(t for p in dashboard["panels"] for t in p.get("targets", []))]
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))  # JSON is YAML
    answer = promtool("check", "rules", path)
    assert answer.returncode == 0, answer


def test_the_manual_tells_of_every_metric():
    manual = (ROOT / "docs" / "operations.md").read_text()
    told = set(re.findall(r"^\| `((?:scaleodm|process)_[a-z_]+)", manual, re.MULTILINE))
    assert told == set(METRICS)
    for name, (_, labels) in METRICS.items():
        row = next(line for line in manual.splitlines() if line.startswith(f"| `{name}"))
        written = re.match(rf"\| `{name}(?:\{{(.*?)\}})?`", row)
        assert set(filter(None, (written.group(1) or "").split(","))) == labels, row
