"""charts/scaleodm, linted and rendered by Helm's own library and held against Kubernetes' schemas."""

import copy
import pathlib

import helm_python as helm
import jsonschema
import kubernetes_validate
import pytest
import yaml

CHART = pathlib.Path(__file__).resolve().parents[2] / "charts" / "scaleodm"
# The oldest that Chart.yaml lets in, and the newest whose schemas the package brings.
VERSIONS = ["1.25", "1.37"]
SHARED = {"storage": {"s3": {"enabled": True, "bucket": "imagery"}}}
EVERYTHING = {
    "replicaCount": 3, **SHARED, "backends": [{"name": "node1", "url": "http://nodeodm-1:3000"}],
    "imagePullSecrets": [{"name": "registry"}], "podAnnotations": {"a": "b"}, "podLabels": {"team": "maps"},
    "ingress": {"enabled": True, "className": "nginx", "annotations": {"a": "b"},
                "tls": [{"secretName": "odm-tls", "hosts": ["odm.example.org"]}]},
    "serviceAccount": {"annotations": {"role": "x"}}, "service": {"annotations": {"a": "b"}},
    "adminService": {"annotations": {"a": "b"}}, "nodeSelector": {"disk": "fast"},
    "tolerations": [{"key": "spot", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway",
                                   "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "scaleodm"}}}],
    "volumes": [{"name": "ca", "secret": {"secretName": "ca"}}],
    "volumeMounts": [{"name": "ca", "mountPath": "/etc/ca"}], "priorityClassName": "high",
    "env": [{"name": "NODE1_TOKEN", "value": "x"}], "envFrom": [{"secretRef": {"name": "tokens"}}],
    "argo": {"enabled": True, "namespaces": ["odm-a", "odm-b"]},
    "metrics": {"serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}},
    "networkPolicy": {"enabled": True, "apiFrom": [{"podSelector": {}}],
                      "adminFrom": [{"namespaceSelector": {"matchLabels": {"a": "b"}}}],
                      "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
}
# Of the keys that the chart uses; the operator's own schema comes with its installation.
SERVICE_MONITOR = {
    "type": "object", "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {"spec": {
        "type": "object", "additionalProperties": False, "required": ["selector", "endpoints"],
        "properties": {
            "namespaceSelector": {"type": "object", "properties": {"matchNames": {"items": {"type": "string"}}}},
            "selector": {"type": "object", "required": ["matchLabels"]},
            "endpoints": {"minItems": 1, "items": {
                "type": "object", "additionalProperties": False, "required": ["port"],
                "properties": {
                    "port": {"type": "string"}, "path": {"pattern": "^/"},
                    "interval": {"pattern": "^[0-9]+s$"}, "scrapeTimeout": {"pattern": "^[0-9]+s$"},
                    "authorization": {
                        "type": "object", "additionalProperties": False,
                        "properties": {"type": {"const": "Bearer"}, "credentials": {
                            "type": "object", "additionalProperties": False, "required": ["name", "key"],
                            "properties": {"name": {"type": "string"}, "key": {"type": "string"}}}}}}}}}}},
}


def merged(values: dict, more: dict) -> dict:
    """Both, the second over the first."""
    result = copy.deepcopy(values)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def render(values: dict, name: str = "gw", namespace: str = "odm") -> dict:
    """Everything that Helm would send, by (kind, name, namespace); and the notes as "NOTES"."""
    with helm.Chart.load(str(CHART)) as chart:
        files = chart.render(values, name=name, namespace=namespace)
    found = {}
    for path, text in files.items():
        if path.endswith("NOTES.txt"):
            found["NOTES"] = text
            continue
        for document in yaml.load_all(text, StrictLoader):
            if document:
                key = (document["kind"], document["metadata"]["name"], document["metadata"].get("namespace", namespace))
                assert key not in found, f"{key} twice"
                found[key] = document
    return found


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that is given twice, which YAML's usual readers let pass."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key twice in {node.start_mark}"
        return super().construct_mapping(node, deep)


def of_kind(found: dict, kind: str) -> list:
    return [document for key, document in found.items() if key != "NOTES" and key[0] == kind]


def the(found: dict, kind: str) -> dict:
    [document] = of_kind(found, kind)
    return document


def container(found: dict) -> dict:
    return the(found, "Deployment")["spec"]["template"]["spec"]["containers"][0]


def inventory(found: dict) -> dict:
    return yaml.safe_load(the(found, "ConfigMap")["data"]["gateway.yaml"])


def refusal(values: dict) -> str:
    with pytest.raises(helm.HelmError) as caught:
        render(values)
    return str(caught.value)


def test_helm_finds_nothing_to_object_to():
    report = helm.lint(str(CHART), strict=True)
    assert report["errors"] == []
    # Severity 1 is a remark: an icon is recommended, and there is none.
    assert [message for message in report["messages"] if message["severity"] > 1] == []


def test_the_keys_of_helm_create_are_there():
    """Those of Helm 3.12 and later: people bring their values along."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    expected = {
        "replicaCount": None, "image": {"repository", "pullPolicy", "tag"}, "imagePullSecrets": None, "nameOverride": None,
        "fullnameOverride": None, "serviceAccount": {"create", "automount", "annotations", "name"},
        "podAnnotations": None, "podLabels": None, "podSecurityContext": None, "securityContext": None,
        "service": {"type", "port"}, "ingress": {"enabled", "className", "annotations", "hosts", "tls"},
        "resources": None, "livenessProbe": None, "readinessProbe": None,
        "autoscaling": {"enabled", "minReplicas", "maxReplicas", "targetCPUUtilizationPercentage"},
        "volumes": None, "volumeMounts": None, "nodeSelector": None, "tolerations": None, "affinity": None}
    for key, inner in expected.items():
        assert key in values
        if inner:
            assert inner <= values[key].keys()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("values", [
    {}, SHARED, EVERYTHING, merged(EVERYTHING, {"autoscaling": {"enabled": True}}),
    {"database": {"kind": "sqlite"}}, {"serviceAccount": {"create": False}, "service": {"type": "NodePort"}},
    {"storage": {"persistence": {"storageClass": "fast", "annotations": {"a": "b"}}}},
    {"storage": {"persistence": {"enabled": False}}, "service": {"type": "LoadBalancer"}},
], ids=["defaults", "s3", "everything", "autoscaled", "sqlite", "nodeport", "class", "balancer"])
def test_kubernetes_takes_what_is_rendered(values, version):
    found = render(values)
    for key, document in found.items():
        if key == "NOTES":
            continue
        if document["apiVersion"].startswith("monitoring.coreos.com/"):
            jsonschema.validate(document, SERVICE_MONITOR)
        else:
            kubernetes_validate.validate(document, version, strict=True)


def test_the_schema_check_would_notice():
    deployment = the(render({}), "Deployment")
    deployment["spec"]["template"]["spec"]["containers"][0]["imagePullPolice"] = "Always"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, VERSIONS[0], strict=True)


def test_secrets_come_by_reference_and_under_their_old_names():
    found = render(SHARED)
    assert of_kind(found, "Secret") == []
    variables = {entry["name"]: entry["valueFrom"]["secretKeyRef"] for entry in container(found)["env"]}
    assert variables.keys() == {
        "SCALEODM_DATABASE_URL", "SCALEODM_ADMIN_TOKEN", "AWS_S3_ENDPOINT", "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"}
    assert {reference["name"] for reference in variables.values()} == {"scaleodm-secrets"}
    assert inventory(found)["database"] == "${SCALEODM_DATABASE_URL}"
    assert "SCALEODM_DATABASE_URL" in found["NOTES"]


def test_other_names_of_secret_and_keys():
    found = render({"secrets": {"runtime": {"name": "mine", "keys": {"databaseUrl": "DATABASE"}}}})
    [entry] = [entry for entry in container(found)["env"] if entry["name"] == "DATABASE"]
    assert entry["valueFrom"]["secretKeyRef"] == {"name": "mine", "key": "DATABASE"}
    assert inventory(found)["database"] == "${DATABASE}"


@pytest.mark.parametrize("more", [{"replicaCount": 2}, {"autoscaling": {"enabled": True}}])
def test_sqlite_is_for_one_replica(more):
    assert "'postgresql'" in refusal(merged(merged(SHARED, more), {"database": {"kind": "sqlite"}}))
    refusal(merged(merged(SHARED, more), {"inventory": {"database": "sqlite:data/x.db"}}))
    render(merged(SHARED, more))


@pytest.mark.parametrize("more", [{"replicaCount": 2}, {"autoscaling": {"enabled": True}}])
def test_replicas_share_their_storage(more):
    assert "/storage" in refusal(more)
    refusal(merged(more, {"storage": {"persistence": {"enabled": False, "accessModes": ["ReadWriteMany"]}}}))
    render(merged(more, {"storage": {"persistence": {"accessModes": ["ReadWriteMany"]}}}))
    render(merged(more, {"storage": {"persistence": {"existingClaim": "shared"}}}))


@pytest.mark.parametrize("values", [
    {"replicacount": 1}, {"replicaCount": "2"}, {"storage": {"s3": {"enabled": True}}}, {"service": {"port": 0}},
    {"backends": [{"name": "node1"}]}, {"inventory": {"backends": []}}, {"inventory": {"listen": "0.0.0.0:1"}},
    {"image": {"repository": ""}}, {"database": {"kind": "mysql"}}, {"storage": {"persistence": {"size": "much"}}},
], ids=str)
def test_mistakes_are_refused(values):
    refusal(values)


@pytest.mark.parametrize("values, is_there", [
    ({}, False), (SHARED, False), (merged(SHARED, {"replicaCount": 2}), True),
    (merged(SHARED, {"autoscaling": {"enabled": True}}), True), (merged(SHARED, {"replicaCount": 0}), False)])
def test_a_disruption_budget_whenever_there_may_be_several(values, is_there):
    found = render(values)
    assert bool(of_kind(found, "PodDisruptionBudget")) == is_there
    assert ("replicas" in the(found, "Deployment")["spec"]) != bool(of_kind(found, "HorizontalPodAutoscaler"))


def test_a_budget_by_the_pods_that_must_stay():
    budget = the(render(merged(SHARED, {"replicaCount": 3, "podDisruptionBudget": {"minAvailable": "50%"}})),
                 "PodDisruptionBudget")
    assert budget["spec"]["minAvailable"] == "50%" and "maxUnavailable" not in budget["spec"]


@pytest.mark.parametrize("values, strategy, has_claim", [
    ({}, "Recreate", True), (SHARED, "RollingUpdate", False), ({"database": {"kind": "sqlite"}}, "Recreate", True),
    (merged(SHARED, {"database": {"kind": "sqlite"}}), "Recreate", True),
    ({"storage": {"persistence": {"accessModes": ["ReadWriteMany"]}}}, "RollingUpdate", True)])
def test_a_rollout_fits_the_volume(values, strategy, has_claim):
    found = render(values)
    assert the(found, "Deployment")["spec"]["strategy"]["type"] == strategy
    assert bool(of_kind(found, "PersistentVolumeClaim")) == has_claim
    volumes = {volume["name"]: volume for volume in the(found, "Deployment")["spec"]["template"]["spec"]["volumes"]}
    assert ("persistentVolumeClaim" in volumes["data"]) == has_claim


def test_the_container_may_do_little():
    found = render({})
    pod = the(found, "Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
    rights = container(found)["securityContext"]
    assert rights["readOnlyRootFilesystem"] and not rights["allowPrivilegeEscalation"]
    assert rights["capabilities"] == {"drop": ["ALL"]}
    assert pod["automountServiceAccountToken"] is False


def test_probes_ask_the_admin_listener_and_the_end_has_time():
    found = render({})
    ports = {port["name"]: port["containerPort"] for port in container(found)["ports"]}
    assert ports == {"http": 31100, "admin": 31101}
    for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        assert container(found)[probe]["httpGet"] == {"path": path, "port": "admin"}
    # drain.delay and drain.timeout by default.
    assert the(found, "Deployment")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > 605


def test_the_admin_listener_is_in_no_ingress_and_no_client_service():
    found = render(EVERYTHING)
    services = {key[1]: document for key, document in found.items() if key != "NOTES" and key[0] == "Service"}
    assert [port["targetPort"] for port in services["gw-scaleodm"]["spec"]["ports"]] == ["http"]
    assert [port["targetPort"] for port in services["gw-scaleodm-admin"]["spec"]["ports"]] == ["admin"]
    for rule in the(found, "Ingress")["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            assert path["backend"]["service"]["name"] == "gw-scaleodm"
    monitor = the(found, "ServiceMonitor")["spec"]
    labels = services["gw-scaleodm-admin"]["metadata"]["labels"]
    assert monitor["selector"]["matchLabels"].items() <= labels.items()
    assert not monitor["selector"]["matchLabels"].items() <= services["gw-scaleodm"]["metadata"]["labels"].items()


def test_argo_gets_its_rights_where_the_workflows_run_and_nothing_more():
    found = render(EVERYTHING)
    roles = {key[1:]: document["rules"] for key, document in found.items() if key != "NOTES" and key[0] == "Role"}
    assert roles.keys() == {(name, space) for name in ("gw-scaleodm", "gw-scaleodm-workflow")
                            for space in ("odm-a", "odm-b")}
    rights = {(resource, verb) for rule in roles["gw-scaleodm", "odm-a"] for resource in rule["resources"]
              for verb in rule["verbs"]}
    assert rights == {("workflows", verb) for verb in
                      ("create", "get", "list", "watch", "patch", "update", "delete")} | {
        ("pods", "get"), ("pods", "list"), ("pods", "watch"), ("pods/log", "get")}
    assert ("ServiceAccount", "argo-odm", "odm-b") in found
    assert not of_kind(found, "ClusterRole")
    for binding in of_kind(found, "RoleBinding"):
        assert binding["roleRef"]["name"] == binding["metadata"]["name"]
    assert not of_kind(render({}), "Role")


def test_the_network_policy_lets_names_be_resolved():
    policy = the(render(EVERYTHING), "NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert {"port": 53, "protocol": "UDP"} in policy["egress"][0]["ports"]
    open_policy = the(render({"networkPolicy": {"enabled": True}}), "NetworkPolicy")["spec"]
    assert open_policy["policyTypes"] == ["Ingress"] and "from" not in open_policy["ingress"][0]


def test_pods_start_anew_when_what_they_do_not_take_over_by_themselves_changes():
    def checksum(values):
        return the(render(values), "Deployment")["spec"]["template"]["metadata"].get("annotations", {})

    changed = {"inventory": {"limits": {"images": 5}}}
    assert checksum({}) == checksum({}) != checksum(changed)
    # Backends and tokens are read anew by the pods that run.
    node = {"name": "node1", "url": "http://node1.example.org:3000"}
    token = {"name": "webodm", "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}
    for taken_over in ({"backends": [node]},
                       {"inventory": {"auth": {"required": True, "tokens": [token]}}}):
        assert checksum(taken_over) == checksum({}), taken_over
    assert checksum({"inventory": {"auth": {"unauthorized": "nodeodm"}}}) != checksum({})
    assert checksum(merged(changed, {"restartOnInventoryChange": False})) == {}


@pytest.mark.parametrize("name", ["scaleodm", "x" * 53])
def test_names_fit(name):
    for key in render(EVERYTHING, name=name):
        # Names of roles may be longer than what stands in labels and in DNS.
        assert key == "NOTES" or key[0].startswith("Role") or len(key[1]) <= 63


@pytest.mark.parametrize("values, words", [
    ({}, ["gw-scaleodm.odm.svc.cluster.local", "31100", "Add New", "No backend is listed"]),
    (EVERYTHING, ["odm.example.org", "443"]), ({"service": {"type": "LoadBalancer"}}, ["loadBalancer.ingress"]),
    ({"service": {"type": "NodePort"}}, ["nodePort"]),
    ({"storage": {"persistence": {"enabled": False}}}, ["WARNING", "uploads that no backend"]),
    ({"storage": {"persistence": {"enabled": False}}, "database": {"kind": "sqlite"}}, ["WARNING", "record"])])
def test_the_notes_say_what_webodm_needs(values, words):
    notes = render(values)["NOTES"]
    for word in words:
        assert word in notes


VARIABLES = {
    "SCALEODM_ADMIN_TOKEN": "admin-token", "SCALEODM_DATABASE_URL": "postgresql://u:p@db/scaleodm",
    "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.mark.parametrize("values", [
    {}, SHARED, EVERYTHING, {"database": {"kind": "sqlite"}},
    merged(SHARED, {"storage": {"s3": {"pathStyle": True}}, "inventory": {"drain": {"timeout": "1m"}}})],
    ids=["defaults", "s3", "everything", "sqlite", "more"])
def test_the_gateway_takes_the_inventory(values, check):
    found = render(values)
    # Exactly what the pod has; what is optional there is missing.
    variables = {entry["name"]: VARIABLES[entry["name"]] for entry in container(found)["env"]
                 if not entry.get("valueFrom", {"secretKeyRef": {"optional": True}})["secretKeyRef"].get("optional")}
    printed = check(the(found, "ConfigMap")["data"]["gateway.yaml"], **variables)
    assert "no errors" in printed and "the environment has" not in printed
    assert "0.0.0.0:31100" in printed and "admin-token" not in printed


def test_values_go_before_what_the_chart_writes():
    found = render({"inventory": {"log": {"level": "debug"}, "storage": {"sync": False}}})
    assert inventory(found)["log"] == {"format": "json", "level": "debug"}
    assert inventory(found)["storage"] == {"directory": "/var/lib/scaleodm/storage", "sync": False}
