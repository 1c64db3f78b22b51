public import SQL

/// The schema of the record, as numbered steps that only go forward.
public enum Migrations {
    /// All steps, oldest first.
    public static let all: [Migration] = [
        Migration(1, "tasks, attempts, files, output, events, backends") { _ in initial },
        Migration(2, "tasks whose images are in object storage") { _ in objectStorage },
        Migration(3, "backends that come and go") { _ in changingBackends },
        Migration(4, "attempts that one of several gateways carries out") { _ in replicas },
        Migration(5, "kinds of input files") { _ in inputKinds },
        Migration(6, "attempts that an operator moves away from their backend") { _ in moving },
        Migration(7, "which attempts write to a place in object storage") { _ in resultPlaces },
    ]
}
