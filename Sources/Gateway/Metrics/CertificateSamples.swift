internal import Configuration
internal import Digests
internal import Model
internal import Observability

/// When the certificates end that the inventory names.
struct CertificateSamples: Sendable {
    private struct Entry: Sendable {
        let backend: String
        let use: String
        let path: String
    }

    private let entries: [Entry]

    init(_ inventory: Inventory) {
        entries = inventory.backends.flatMap { backend -> [Entry] in
            let files = [("client", backend.tls.clientCertificate), ("authority", backend.tls.caFile)]
            return files.compactMap { use, path in
                path.map { Entry(backend: backend.name.string, use: use, path: $0) }
            }
        }
    }

    /// Adds the family. The files are read by each scrape, so that a renewed one shows.
    func add(to registry: MetricsRegistry) {
        let entries = entries
        registry.samples(
            "scaleodm_certificate_expiry_timestamp_seconds",
            help: "When the first certificate of a backend's file ends: our own one, or an authority's.", .gauge,
            labels: "backend", "use"
        ) { samples in
            for entry in entries {
                guard let end = CertificateEnd.earliest(inFile: entry.path) else { continue }
                samples.add(end, entry.backend, entry.use)
            }
        }
    }
}
