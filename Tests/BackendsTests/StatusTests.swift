import Model
import NodeODM
import Testing

@testable import Backends

/// Workflow objects as Argo lays them out.
enum Workflows {
    static func node(
        _ name: String, type: String, phase: String, message: String = "", progress: String = "",
        host: String = "node-1",
        startedAt: String? = "2026-11-24T08:00:10Z", boundary: String = "", template: String = "main"
    ) -> JSONValue {
        .members([
            "id": .string("id-\(name)"), "name": .string(name), "type": .string(type), "phase": .string(phase),
            "templateName": .string(template), "message": .string(message), "progress": .string(progress),
            "hostNodeName": .string(host), "startedAt": startedAt.map { .string($0) } ?? .null, "finishedAt": .null,
            "boundaryID": .string(boundary),
        ])
    }

    static func object(
        name: String = "odm-pipeline-bcd2456789", phase: String?, message: String = "", shutdown: String? = nil,
        finishedAt: String? = nil, version: String = "100", uid: String = "uid-1", gateway: String = Fixtures.gateway,
        attempt: Int = 1, task: String = "odm-pipeline-bcd2456789", nodes: [JSONValue] = []
    ) -> JSONValue {
        var status = JSONValue.members([
            "startedAt": .string("2026-11-24T08:00:00Z"), "finishedAt": finishedAt.map { .string($0) } ?? .null,
            "message": .string(message), "progress": .string("50/103"),
            "nodes": .object(nodes.map { JSONMember(name: $0["id"]?.text ?? "", value: $0) }),
        ])
        if let phase { status = status.setting("phase", .string(phase)) }
        return .members([
            "metadata": .members([
                "name": .string(name), "uid": .string(uid), "resourceVersion": .string(version),
                "creationTimestamp": .string("2026-11-24T07:59:59Z"),
                "labels": .texts([
                    "odm-gateway/gateway": gateway, "odm-gateway/task": task, "odm-gateway/attempt": String(attempt),
                ]),
            ]),
            "spec": .members(["shutdown": shutdown.map { .string($0) }]), "status": status,
        ])
    }

    static func workflow(
        phase: String?, message: String = "", shutdown: String? = nil, finishedAt: String? = nil,
        nodes: [JSONValue] = []
    ) throws -> WorkflowObject {
        try #require(
            WorkflowObject(
                json: object(phase: phase, message: message, shutdown: shutdown, finishedAt: finishedAt, nodes: nodes)))
    }

    static func pod(
        _ index: Int = 0, phase: String, message: String = "", progress: String = "", host: String = "node-1",
        startedAt: String? = "2026-11-24T08:00:10Z"
    ) -> JSONValue {
        node(
            "odm-pipeline-bcd2456789(\(index))", type: "Pod", phase: phase, message: message, progress: progress,
            host: host,
            startedAt: startedAt)
    }

    static func container(_ name: String, phase: String, message: String = "") -> JSONValue {
        node(
            "odm-pipeline-bcd2456789(0).\(name)", type: "Container", phase: phase, message: message,
            boundary: "id-odm-pipeline-bcd2456789(0)")
    }
}

@Suite("What a Workflow's state means")
struct StatusTests {
    /// 2026-11-24T08:10:00Z
    private let now = Timestamp(milliseconds: 1_795_507_800_000)

    private func mapping(_ workflow: WorkflowObject) -> PhaseMapping { PhaseMapping(workflow, now: now) }

    @Test("item 64: phases become status codes; running only once the pod runs")
    func codes() throws {
        let waiting = Workflows.pod(phase: "Pending", host: "")
        let cases: [(String?, [JSONValue], StatusCode)] = [
            (nil, [], .queued), ("", [], .queued), ("Pending", [], .queued), ("Running", [], .queued),
            ("Running", [waiting], .queued), ("Running", [Workflows.pod(phase: "Running")], .running),
            ("Running", [Workflows.pod(phase: "Failed"), Workflows.pod(1, phase: "Pending", host: "")], .running),
            ("Succeeded", [Workflows.pod(phase: "Succeeded")], .completed), ("Failed", [], .failed),
            ("Error", [], .failed),
        ]
        for (phase, nodes, code) in cases {
            #expect(mapping(try Workflows.workflow(phase: phase, nodes: nodes)).status == code, "\(phase ?? "none")")
        }
    }

    @Test("one that was terminated is canceled, by its message and its spec together")
    func canceled() throws {
        let message = "Stopped with strategy 'Terminate'"
        #expect(
            mapping(try Workflows.workflow(phase: "Failed", message: message, shutdown: "Terminate")).status
                == .canceled)
        #expect(mapping(try Workflows.workflow(phase: "Failed", message: message)).status == .failed)
        #expect(mapping(try Workflows.workflow(phase: "Failed", message: "x", shutdown: "Terminate")).status == .failed)
    }

    @Test("progress is the last pod's, never the workflow's sum, and 100 only at the end")
    func progress() throws {
        let first = Workflows.pod(0, phase: "Failed", progress: "80/100")
        let second = Workflows.pod(1, phase: "Running", progress: "42/100")
        #expect(mapping(try Workflows.workflow(phase: "Running", nodes: [second, first])).progress == 42)
        for (text, value) in [("100/100", 99.0), ("7/0", 0), ("x/y", 0), ("-5/100", 0), ("250/100", 99), ("", 0)] {
            let pod = Workflows.pod(phase: "Running", progress: text)
            #expect(mapping(try Workflows.workflow(phase: "Running", nodes: [pod])).progress == value, "\(text)")
        }
        #expect(mapping(try Workflows.workflow(phase: "Succeeded")).progress == 100)
    }

    @Test("time runs from the first pod that ran to the workflow's end, on the cluster's clock")
    func time() throws {
        let pod = Workflows.pod(phase: "Running")
        #expect(mapping(try Workflows.workflow(phase: "Running", nodes: [pod])).processingTime == 590_000)
        #expect(mapping(try Workflows.workflow(phase: "Pending")).processingTime == -1)
        let ended = try Workflows.workflow(phase: "Succeeded", finishedAt: "2026-11-24T08:00:40.5Z", nodes: [pod])
        #expect(mapping(ended).processingTime == 30_500)
    }

    @Test(
        "a failure says what failed",
        arguments: [
            ("process: OOMKilled (exit code 137)", FailureCause.Code.outOfMemory, "Not enough memory"),
            ("process: Error (exit code 137)", .outOfMemory, "Not enough memory"),
            ("process: Error (exit code 1)", .engine, "Cannot process dataset"),
            ("process: Error (exit code 134)", .engine, "Cannot process dataset"),
            ("process: Error (exit code 132)", .engine, "Unsupported CPU"),
            ("process: Error (exit code 3)", .engine, "Installation issue"),
            ("process: Error (exit code 77)", .engine, "Processing failed (77)"),
            ("Error (exit code 1)", .engine, "Cannot process dataset"),
            ("process: Error (exit code 67)", .inputs, "Not enough images: there is none among the inputs"),
            ("download: Error (exit code 66)", .inputs, "The inputs can't be read from the object store"),
            ("upload: Error (exit code 65)", .output, "The results can't be written to the output place"),
            ("download: Error (exit code 9)", .other, "The stage download failed (9)"),
            (
                "Pod was active on the node longer than the specified deadline", .deadline,
                "The task took longer than its deadline allows"
            ),
            (
                "The node was low on resource: memory.", .evicted,
                "The node gave the task up: The node was low on resource: memory."
            ),
            ("something nobody foresaw", .other, "something nobody foresaw"),
        ])
    func causes(message: String, code: FailureCause.Code, text: String) throws {
        let pod = Workflows.pod(phase: "Failed", message: message)
        let workflow = try Workflows.workflow(
            phase: "Failed", message: "retryStrategy.expression evaluated to false", nodes: [pod])
        let cause = try #require(mapping(workflow).cause)
        #expect(cause.code == code && cause.message == text)
    }

    @Test("the cause may stand at a container, or at the workflow alone")
    func elsewhere() throws {
        let failed = Workflows.container("upload", phase: "Failed", message: "Error (exit code 65)")
        let nodes = [Workflows.pod(phase: "Failed"), Workflows.container("process", phase: "Succeeded"), failed]
        #expect(mapping(try Workflows.workflow(phase: "Failed", nodes: nodes)).cause?.code == .output)
        #expect(
            mapping(try Workflows.workflow(phase: "Error", message: "secrets is forbidden")).cause?.message
                == "secrets is forbidden")
        #expect(mapping(try Workflows.workflow(phase: "Failed")).cause?.code == .other)
    }

    @Test("a pod that never starts is seen, with the reason and since when")
    func stuck() throws {
        let pod = Workflows.pod(
            phase: "Pending", message: "ImagePullBackOff: Back-off pulling image \"odm:none\"", host: "")
        let mapped = mapping(try Workflows.workflow(phase: "Running", nodes: [pod]))
        #expect(mapped.stuck?.cause.code == .imagePull && mapped.status == .queued)
        #expect(mapped.stuck?.since.milliseconds == 1_795_507_210_000)
        let setting = Workflows.pod(
            phase: "Pending", message: "CreateContainerConfigError: secret \"keys\" not found", host: "")
        #expect(mapping(try Workflows.workflow(phase: "Running", nodes: [setting])).stuck?.cause.code == .podSetting)
        let waits = Workflows.pod(phase: "Pending", message: "Unschedulable: 0/3 nodes are available", host: "")
        let unschedulable = mapping(try Workflows.workflow(phase: "Running", nodes: [waits]))
        #expect(unschedulable.stuck?.cause == nil && unschedulable.unschedulableSince != nil)
    }

    @Test("the exit handler's pod is none of the task's")
    func exitHandler() throws {
        let handler = Workflows.node(
            "odm-pipeline-bcd2456789.onExit", type: "Pod", phase: "Running", progress: "0/1", template: "finish")
        let pod = Workflows.pod(phase: "Succeeded", progress: "99/100")
        let workflow = try Workflows.workflow(phase: "Running", nodes: [handler, pod])
        #expect(workflow.pods.count == 1 && mapping(workflow).progress == 99)
    }

    @Test("a pod's name is built as Argo does: workflow, template, FNV-32a of the node's name")
    func podName() throws {
        let workflow = try Workflows.workflow(phase: "Running", nodes: [Workflows.pod(phase: "Running")])
        let pod = try #require(workflow.pods.first)
        // printf 'odm-pipeline-bcd2456789(0)' through FNV-32a
        #expect(workflow.podName(of: pod) == "odm-pipeline-bcd2456789-main-\(Self.fnv("odm-pipeline-bcd2456789(0)"))")
        #expect(Self.fnv("a") == 0xE40C_292C)
    }

    private static func fnv(_ text: String) -> UInt32 {
        var hash: UInt32 = 0x811C_9DC5
        for byte in text.utf8 {
            hash ^= UInt32(byte)
            hash = hash &* 0x0100_0193
        }
        return hash
    }

    @Test("objects of odd shapes are read without harm")
    func oddShapes() throws {
        #expect(WorkflowObject(json: .null) == nil)
        #expect(WorkflowObject(json: try Fixtures.json(#"{"metadata":{}}"#)) == nil)
        let odd = try Fixtures.json(
            #"{"metadata":{"name":"x","labels":{"a":1}},"status":{"phase":7,"nodes":{"n":null,"m":{"startedAt":"yesterday","children":[1]}}},"spec":null}"#
        )
        let workflow = try #require(WorkflowObject(json: odd))
        #expect(workflow.phase.isEmpty && workflow.nodes.count == 1 && workflow.nodes[0].startedAt == nil)
        #expect(mapping(workflow).status == .queued)
    }
}
