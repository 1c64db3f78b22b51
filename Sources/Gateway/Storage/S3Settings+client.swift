internal import Configuration
internal import Model
internal import Observability
internal import Storage

extension S3Configuration {
    /// How the inventory says that an object store is reached.
    /// - Throws: for an endpoint that is none.
    init(_ settings: S3Settings) throws(StorageError) {
        self.init(endpoint: try S3Endpoint(url: settings.endpoint.origin), region: settings.region)
        if let address = settings.publicEndpoint { publicEndpoint = try S3Endpoint(url: address.origin) }
        pathStyle = settings.pathStyle
        authoritiesFile = settings.caFile
        patience = .seconds(30)
    }
}

extension S3Settings {
    /// Where the gateway keeps what is its own; nil without a bucket.
    var own: S3URL? { bucket.isEmpty ? nil : S3URL(bucket: bucket, prefix: prefix) }

    /// Whether requests can be signed.
    var hasKeys: Bool { accessKeyID != nil && secretAccessKey != nil }

    /// Hands out the keys as they are now: those in files are read again when they change.
    var credentials: S3CredentialsProvider {
        let (id, secret, token) = (accessKeyID, secretAccessKey, sessionToken)
        return {
            guard let id, let secret else {
                throw StorageError(.accessDenied, "storage.s3 has no access_key_id or no secret_access_key")
            }
            return S3Credentials(
                accessKeyID: id.reveal(), secretAccessKey: secret.reveal(), sessionToken: token?.reveal())
        }
    }
}
