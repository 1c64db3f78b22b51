import Model
import YAML

// Every key of the file, in the order of the example. The formats say what is right, the types hold the defaults.

extension Inventory: Section {
    static var fields: [Field<Inventory>] {
        [
            Field("listen", \.listen, .listenAddress),
            Field("tls", \.tls, .optional(.section)),
            Field("public_address", \.publicAddress, .optional(.server)),
            Field("admin", \.admin, .section),
            Field("cors", \.cors, .section),
            Field("trusted_proxies", \.trustedProxies, .list(.network)),
            Field("log", \.log, .section),
            Field("drain", \.drain, .section),
            Field(
                keys: ["database", "database_file"],
                read: { root, entries, _, reader in
                    if let database = DatabaseField.read(entries, reader) { root.database = database }
                    return true
                }, print: { root, display in DatabaseField.print(root.database, display) }),
            Field("storage", \.storage, .section),
            Field("downloads", \.downloads, .choice),
            Field("limits", \.limits, .section),
            Field("scheduling", \.scheduling, .section),
            Field("mirror", \.mirror, .section),
            Field("auth", \.auth, .section),
            Field("fetch", \.fetch, .section),
            Field("webhooks", \.webhooks, .section),
            Field("backends", \.backends, .list(.backend, unique: ["name"]), required: true),
        ]
    }
}

extension ListenerTLS: Section {
    static var fields: [Field<ListenerTLS>] {
        [Field("certificate", \.certificate, .path, required: true), Field("key", \.key, .path, required: true)]
    }
}

extension AdminSettings: Section {
    static var fields: [Field<AdminSettings>] {
        [Field("listen", \.listen, .listenAddress), Field(secret: "token", \.token)]
    }
}

extension CORSSettings: Section {
    static var fields: [Field<CORSSettings>] { [Field("origins", \.origins, .list(.origin))] }
}

extension LogSettings: Section {
    static var fields: [Field<LogSettings>] {
        [Field("format", \.format, .choice), Field("level", \.level, .level)]
    }
}

extension DrainSettings: Section {
    static var fields: [Field<DrainSettings>] {
        [Field("delay", \.delay, .duration(atLeast: .zero)), Field("timeout", \.timeout, .duration(atLeast: .zero))]
    }
}

extension StorageSettings: Section {
    static var fields: [Field<StorageSettings>] {
        [
            Field("directory", \.directory, .path),
            Field("sync", \.sync, .bool),
            Field("min_free", \.minFree, .bytes(atLeast: 0)),
            Field("s3", \.s3, .optional(.section)),
        ]
    }
}

extension S3Settings: Section {
    static var fields: [Field<S3Settings>] {
        [
            Field("endpoint", \.endpoint, .server),
            Field("public_endpoint", \.publicEndpoint, .optional(.server)),
            Field("region", \.region, .text),
            Field("bucket", \.bucket, .text),
            Field("prefix", \.prefix, .text),
            Field("path_style", \.pathStyle, .optional(.bool)),
            Field("ca_file", \.caFile, .optional(.path)),
            Field(secret: "access_key_id", \.accessKeyID),
            Field(secret: "secret_access_key", \.secretAccessKey),
            Field(secret: "session_token", \.sessionToken),
            Field("buffers", \.buffers, .bytes(atLeast: .mebibytes(10))),
            Field("allowed_buckets", \.allowedBuckets, .list(.text)),
            Field("allowed_endpoints", \.allowedEndpoints, .list(.server)),
        ]
    }
}

extension LimitSettings: Section {
    static var fields: [Field<LimitSettings>] {
        [
            Field("header", \.header, .bytes(.kibibytes(1) ... .mebibytes(1))),
            Field("header_time", \.headerTime, .duration()),
            Field("idle", \.idle, .duration()),
            Field("unread", \.unread, .duration()),
            Field("upload_file", \.uploadFile, .bytes(atLeast: 1)),
            Field("upload_task", \.uploadTask, .bytes(atLeast: 1)),
            Field("images", \.images, .optional(.integer(1 ... .max))),
            Field("stale_upload", \.staleUpload, .duration()),
            Field("input_retention", \.inputRetention, .duration(atLeast: .zero)),
            Field("task_retention", \.taskRetention, .duration()),
        ]
    }
}

extension SchedulingSettings: Section {
    static var fields: [Field<SchedulingSettings>] {
        [
            Field("refresh", \.refresh, .duration(atLeast: .milliseconds(100))),
            Field("spill_after", \.spillAfter, .duration(atLeast: .zero)),
            Field("prefetch", \.prefetch, .integer(0...1000)),
            Field("offline_after", \.offlineAfter, .integer(1...1000)),
            Field("attempts", \.attempts, .integer(1...1000)),
            Field("impossible_after", \.impossibleAfter, .duration()),
        ]
    }
}

extension MirrorSettings: Section {
    static var fields: [Field<MirrorSettings>] {
        [Field("refresh", \.refresh, .duration(atLeast: .milliseconds(100)))]
    }
}

extension AuthSettings: Section {
    static var fields: [Field<AuthSettings>] {
        [
            // With tokens listed, true is the default: the later field sees whether this one was stated.
            Field("tokens", \.tokens, .list(.section, unique: ["name", "sha256"])),
            Field(
                keys: ["required"],
                read: { root, entries, _, reader in
                    root.required = !root.tokens.isEmpty
                    guard let entry = entries.first(where: { $0.key == "required" }), !entry.value.isNull else {
                        return true
                    }
                    let stated = reader.decoder.inside("required") { Format.bool.read(entry.value, reader) }
                    if let stated { root.required = stated }
                    return true
                }, print: { root, display in [("required", Format.bool.print(root.required, display))] }),
            Field("unauthorized", \.unauthorized, .choice),
            Field("provider_url", \.providerURL, .optional(.url(isBase: false))),
        ]
    }
}

extension TokenDefinition: Section {
    static var fields: [Field<TokenDefinition>] {
        [
            Field("name", \.name, .name, required: true),
            Field("sha256", \.sha256, .sha256, required: true),
            Field("max_concurrent_tasks", \.maxConcurrentTasks, .optional(.integer(1...1_000_000))),
            Field("max_images", \.maxImages, .optional(.integer(1 ... .max))),
            Field("weight", \.weight, .factor),
            Field("priority", \.priority, .integer(-1000...1000)),
            Field("labels", \.labels, .labels),
        ]
    }
}

extension FetchSettings: Section {
    static var fields: [Field<FetchSettings>] {
        [
            Field("allow_private_addresses", \.allowPrivateAddresses, .bool),
            Field("max_size", \.maxSize, .bytes(atLeast: 1)),
            Field("timeout", \.timeout, .duration()),
        ]
    }
}

extension WebhookSettings: Section {
    static var fields: [Field<WebhookSettings>] {
        [
            Field("url", \.url, .optional(.url(isBase: false))),
            Field("allow_private_addresses", \.allowPrivateAddresses, .bool),
        ]
    }
}
