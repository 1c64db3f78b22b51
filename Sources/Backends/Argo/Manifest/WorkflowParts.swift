internal import Model
internal import NodeODM

/// The parts of the gateway's own template, from what the inventory and the task say.
struct WorkflowParts {
    let profile: WorkflowProfile
    let sizing: ResourceSizing
    let image: String
    let variables: [JSONValue]
    let labels: [String: String]

    /// Only what infrastructure broke is run again: a deleted pod is Error, an evicted one Failed with a kubelet's message. The
    /// engine's own failures, a want of memory among them, would end the same way (the Argo contract, 3.2).
    static let retryExpression =
        "lastRetry.status == \"Error\" || lastRetry.message matches \"imminent node shutdown|pod deleted|[Pp]reempt\""
    /// The last lines of a pod's console are read within this time.
    static let podGrace = "600s"

    func spec(isOnSpot: Bool, isOnDemand: Bool) -> JSONValue {
        let place = placement(isOnSpot: isOnSpot, isOnDemand: isOnDemand)
        return .members([
            "entrypoint": .string("main"), "onExit": .string("finish"),
            "serviceAccountName": .string(profile.serviceAccount),
            "activeDeadlineSeconds": .integer(profile.activeDeadline.components.seconds),
            "archiveLogs": .bool(profile.archivesLogs), "ttlStrategy": Self.ttl(profile),
            "podGC": .members([
                "strategy": .string("OnWorkflowCompletion"), "deleteDelayDuration": .string(Self.podGrace),
            ]),
            "podMetadata": .members(["labels": .texts(labels)]), "securityContext": Self.podSecurity,
            "nodeSelector": place.nodeSelector.isEmpty ? nil : .texts(place.nodeSelector),
            "tolerations": place.tolerations.isEmpty ? nil : .array(place.tolerations),
            "volumeClaimTemplates": profile.storageClass.map { .array([claim(of: $0)]) },
            "volumes": .array(volumes), "templates": .array([main, finish]),
        ])
    }

    static func ttl(_ profile: WorkflowProfile) -> JSONValue {
        .members([
            "secondsAfterSuccess": .integer(profile.ttlAfterSuccess.components.seconds),
            "secondsAfterFailure": .integer(profile.ttlAfterFailure.components.seconds),
        ])
    }

    // MARK: Templates

    private var main: JSONValue {
        .members([
            "name": .string("main"),
            "metadata": .members([
                "annotations": .texts([
                    "workflows.argoproj.io/progress": "0/100", "karpenter.sh/do-not-disrupt": "true",
                ])
            ]),
            "retryStrategy": .members([
                "limit": .string("2"), "retryPolicy": .string("Always"),
                "backoff": .members([
                    "duration": .string("60s"), "factor": .string("2"), "maxDuration": .string("48h"),
                ]),
                "expression": .string(Self.retryExpression),
            ]),
            "containerSet": .members([
                "volumeMounts": .array([mount("workspace", "/workspace"), mount("tmp", "/tmp")]),
                "containers": .array([download, process, upload]),
            ]),
        ])
    }

    private var download: JSONValue {
        container(
            "download", image: profile.rcloneImage, command: ["sh", "-c"], script: ArgoScripts.download,
            resources: Self.small, dependencies: [])
    }

    private var process: JSONValue {
        container(
            "process", image: image, command: ["python3", "-c"], script: ArgoScripts.process,
            resources: engineResources, dependencies: ["download"]
        )
        // The engine keeps the models of its networks there, and the rest of its file system is read-only.
        .setting("volumeMounts", .array([mount("models", "/code/storage")]))
    }

    private var upload: JSONValue {
        container(
            "upload", image: image, command: ["python3", "-c"], script: ArgoScripts.upload, resources: Self.small,
            dependencies: ["process"])
    }

    private var finish: JSONValue {
        .members([
            "name": .string("finish"),
            "container": .members([
                "image": .string(profile.rcloneImage), "command": .array([.string("sh"), .string("-c")]),
                "args": .array([.string(ArgoScripts.finish)]),
                "env": .array([
                    WorkflowManifest.variable("GW_STATUS", "{{workflow.status}}"),
                    WorkflowManifest.variable("GW_FAILURES", "{{workflow.failures}}"),
                ]),
                "resources": Self.small.merging(profile.resources.containers["finish"] ?? .object([])),
                "securityContext": Self.containerSecurity,
            ]),
        ])
    }

    private func container(
        _ name: String, image: String, command: [String], script: String, resources: JSONValue, dependencies: [String]
    ) -> JSONValue {
        .members([
            "name": .string(name), "image": .string(image), "command": .array(command.map { .string($0) }),
            "args": .array([.string(script)]),
            "dependencies": dependencies.isEmpty ? nil : .array(dependencies.map { .string($0) }),
            "env": .array(variables),
            "resources": resources.merging(profile.resources.containers[name] ?? .object([])),
            "securityContext": Self.containerSecurity,
        ])
    }

    // MARK: Resources

    /// A container set adds up the requests of its containers, which all start at once: the two beside the engine ask for little.
    private static let small = JSONValue.members([
        "requests": .texts(["cpu": "100m", "memory": "256Mi"]), "limits": .texts(["memory": "1Gi"]),
    ])

    /// What the engine's container is given.
    var engineResources: JSONValue {
        let memory = KubernetesQuantity.text(sizing.memory.bytes)
        var requests = ["cpu": String(sizing.cores), "memory": memory]
        var limits = requests
        if profile.storageClass == nil {
            requests["ephemeral-storage"] = KubernetesQuantity.text(workspace)
            limits["ephemeral-storage"] = KubernetesQuantity.text(workspace + 20 << 30)
        }
        return .members(["requests": .texts(requests), "limits": .texts(limits)])
    }

    private var workspace: Int64 { (profile.workspaceSize ?? sizing.workspace).bytes }

    private func placement(isOnSpot: Bool, isOnDemand: Bool) -> WorkflowProfile.Placement {
        var placement = profile.placement
        let added = isOnSpot ? profile.spot : isOnDemand ? profile.onDemand : WorkflowProfile.Placement()
        placement.nodeSelector.merge(added.nodeSelector) { $1 }
        placement.tolerations += added.tolerations
        return placement
    }

    // MARK: Volumes

    private var volumes: [JSONValue] {
        let workspaceVolume = JSONValue.members([
            "name": .string("workspace"),
            "emptyDir": .members(["sizeLimit": .string(KubernetesQuantity.text(workspace))]),
        ])
        let small = ["tmp", "models"].map { name in
            JSONValue.members(["name": .string(name), "emptyDir": .object([])])
        }
        return (profile.storageClass == nil ? [workspaceVolume] : []) + small
    }

    private func claim(of storageClass: String) -> JSONValue {
        .members([
            "metadata": .members(["name": .string("workspace")]),
            "spec": .members([
                "accessModes": .array([.string("ReadWriteOnce")]), "storageClassName": .string(storageClass),
                "resources": .members(["requests": .texts(["storage": KubernetesQuantity.text(workspace)])]),
            ]),
        ])
    }

    private func mount(_ name: String, _ path: String) -> JSONValue {
        .members(["name": .string(name), "mountPath": .string(path)])
    }

    // MARK: Security

    private static let podSecurity = JSONValue.members([
        "runAsNonRoot": .bool(true), "runAsUser": .integer(1000), "runAsGroup": .integer(1000),
        "fsGroup": .integer(1000),
        "seccompProfile": .members(["type": .string("RuntimeDefault")]),
    ])

    private static let containerSecurity = JSONValue.members([
        "allowPrivilegeEscalation": .bool(false), "readOnlyRootFilesystem": .bool(true),
        "capabilities": .members(["drop": .array([.string("ALL")])]),
    ])
}
