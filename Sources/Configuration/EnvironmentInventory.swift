import YAML

/// The inventory of a gateway that was given no file: one Argo backend in the cluster that the gateway runs in, from the variables
/// that ScaleODM is configured by (rules: *S3*).
///
/// It is made as the text of the file that would say the same, so that variables are read, checked and shown as those of any file are.
struct EnvironmentInventory {
    private let environment: @Sendable (String) -> String?

    /// What the problems of it stand in, instead of a file.
    static let name = "environment"
    static let databaseURL = "SCALEODM_DATABASE_URL"
    static let bucket = "SCALEODM_S3_BUCKET"
    private static let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    private static let endpoint = "AWS_S3_ENDPOINT"
    private static let clusterHost = "KUBERNETES_SERVICE_HOST"

    /// - Parameter environment: the value of a variable; an empty one counts as none.
    init(_ environment: @escaping @Sendable (String) -> String?) {
        self.environment = { name in
            guard let value = environment(name), !value.isEmpty else { return nil }
            // ScaleODM took a bare host too.
            return name == Self.endpoint && value.range(of: "://") == nil ? "https://\(value)" : value
        }
    }

    /// The value of a variable as the text below means it.
    var variables: @Sendable (String) -> String? { environment }

    /// The file that says the same.
    var text: String { lines.joined(separator: "\n") + "\n" }

    private var lines: [String] {
        [
            "listen: ${SCALEODM_LISTEN:-0.0.0.0:31100}",
            "admin:",
            "  listen: ${SCALEODM_ADMIN_LISTEN:-127.0.0.1:31101}",
            "  token: ${SCALEODM_ADMIN_TOKEN:-}",
            "database: ${\(Self.databaseURL)}",
            "storage:",
            "  s3:",
            "    endpoint: ${\(Self.endpoint):-https://s3.amazonaws.com}",
            "    region: ${AWS_DEFAULT_REGION:-us-east-1}",
        ] + (has(Self.bucket) ? ["    bucket: ${\(Self.bucket)}"] : []) + [
            "backends:",
            "  - name: in-cluster",
            "    kind: argo",
            "    api: kubernetes",
            "    namespace: ${K8S_NAMESPACE:-argo}",
            "    workflow:",
            "      odm_image: ${SCALEODM_ODM_IMAGE:-opendronemap/odm:3.6.0}",
            "      s3_secret: ${AWS_S3_SECRET_NAME:-scaleodm-s3}",
        ]
    }

    private func has(_ name: String) -> Bool { environment(name) != nil }

    // MARK: What is wrong

    /// What keeps a gateway from starting, each with the name of its variable.
    var problems: [InventoryProblem] {
        var problems: [String] = []
        if !has(Self.databaseURL) {
            problems.append(
                "\(Self.databaseURL) isn't set: postgresql://USER:PASSWORD@HOST/NAME, or sqlite:PATH; with an inventory "
                    + "instead, name its file")
        }
        if !has(Self.clusterHost) {
            problems.append(
                "\(Self.clusterHost) isn't set: without a file the gateway works with the Kubernetes cluster that it runs in; "
                    + "elsewhere, write an inventory and name its file")
        }
        let missing = Self.keys.filter { !has($0) }
        if missing.count == 1 {
            problems.append("\(missing[0]) isn't set, and \(Self.keys.first { has($0) } ?? "") is: both or none")
        } else if missing.count == 2, has(Self.bucket) {
            problems.append("\(missing[0]) and \(missing[1]) aren't set, and \(Self.bucket) can't be used without them")
        }
        return problems.map(Self.problem)
    }

    /// What works less than it could.
    var warnings: [InventoryProblem] {
        var warnings: [String] = []
        if !has(Self.bucket) {
            warnings.append("\(Self.bucket) isn't set: uploads are refused; tasks whose images are on s3 work")
        }
        if !Self.keys.contains(where: has) {
            warnings.append(
                "\(Self.keys[0]) and \(Self.keys[1]) aren't set: nothing on s3 can be read, so no task is taken")
        }
        return warnings.map(Self.problem)
    }

    private static func problem(_ message: String) -> InventoryProblem {
        InventoryProblem(file: name, location: nil, message: message)
    }

    /// A problem of the text, told by the variable in its line.
    func located(_ problem: YAMLProblem) -> InventoryProblem {
        let lines = lines
        let index = problem.location.line - 1
        guard lines.indices.contains(index), let start = lines[index].range(of: "${")?.upperBound else {
            return Self.problem(problem.message)
        }
        let variable = lines[index][start...].prefix { $0 != ":" && $0 != "}" }
        return Self.problem("\(variable): \(problem.message)")
    }
}
