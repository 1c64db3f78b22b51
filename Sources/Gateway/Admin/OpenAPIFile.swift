/// The description of the admin API, for people's tools: OpenAPI 3.1. Its source lies beside this file.
///
/// Whoever adds a route writes it down there: a test holds the two against each other, and another one the answers.
enum OpenAPIFile {
    static let json: [UInt8] = PackageResources.openapi_json
}
