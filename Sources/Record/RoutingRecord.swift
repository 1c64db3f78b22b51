public import Model
public import SQL

/// All that is remembered, in one database.
public struct RoutingRecord: Sendable {
    /// Where it is.
    public let database: any Database
    /// The installation's own UUID.
    public let installationID: String
    /// The tasks.
    public let tasks: TaskStore
    /// Their history.
    public let events: EventLog
    /// What is to be cleaned up on backends.
    public let cleanups: Cleanups
    /// Whom to tell of ends.
    public let webhooks: WebhookOutbox
    /// What backends said and what operators decided.
    public let backends: BackendMemory
    /// What is true of the installation.
    public let installation: InstallationRecord
    /// Who does what alone.
    public let leases: Leases

    /// Brings a database to this version's schema and opens the record in it. On SQLite all leases end.
    /// - Parameters:
    ///   - database: stays open until the caller closes it.
    ///   - random: mints the installation's UUID at the first start.
    ///   - observer: told of every move of a task that this program makes.
    /// - Throws: `.refused` for a schema of a newer version, `.away` where the database can't be used.
    public init(
        opening database: any Database, random: some RandomBits, observer: MoveObserver? = nil
    ) async throws(RecordError) {
        do {
            try await Migrator(Migrations.all).migrate(database)
        } catch {
            throw RecordError(error)
        }
        self.database = database
        tasks = TaskStore(database, observer: observer)
        events = EventLog(database)
        cleanups = Cleanups(database)
        webhooks = WebhookOutbox(database)
        backends = BackendMemory(database)
        installation = InstallationRecord(database)
        leases = Leases(database)
        installationID = try await installation.installationID(random)
        if database.dialect == .sqlite { try await leases.releaseAll() }
    }
}
