internal import HTTPTypes

/// Where spans go, as OpenTelemetry's environment variables say.
struct TraceSettings: Sendable, Equatable {
    /// The collector's URL for spans.
    var url: String
    /// Fields to send along; they may hold secrets.
    var headers: [Header]
    /// What this program is called in traces.
    var service: String

    /// One field.
    struct Header: Sendable, Equatable {
        let name: HTTPField.Name
        let value: String
    }

    /// Reads OTEL_EXPORTER_OTLP_ENDPOINT and its companions.
    ///
    /// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT goes before it, and is used as it stands. Only OTLP over HTTP with JSON is spoken.
    /// - Returns: nil where no collector is named, or tracing is switched off.
    init?(_ environment: (String) -> String?) {
        func value(_ name: String) -> String? { environment(name).flatMap { $0.isEmpty ? nil : $0 } }
        guard value("OTEL_SDK_DISABLED")?.lowercased() != "true", value("OTEL_TRACES_EXPORTER") != "none" else {
            return nil
        }
        if let url = value("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
            self.url = url
        } else if let base = value("OTEL_EXPORTER_OTLP_ENDPOINT") {
            url = base.hasSuffix("/") ? "\(base)v1/traces" : "\(base)/v1/traces"
        } else {
            return nil
        }
        service = value("OTEL_SERVICE_NAME") ?? "scaleodm"
        let text = value("OTEL_EXPORTER_OTLP_TRACES_HEADERS") ?? value("OTEL_EXPORTER_OTLP_HEADERS") ?? ""
        headers = text.split(separator: ",").compactMap { pair in
            guard let sign = pair.firstIndex(of: "=") else { return nil }
            let name = HTTPField.Name(String(ASCII.trimmed(pair[..<sign])))
            let value = PercentEncoding.decodeLeniently(ASCII.trimmed(pair[pair.index(after: sign)...]).utf8)
            return name.map { Header(name: $0, value: value) }
        }
    }
}
