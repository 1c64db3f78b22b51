internal import Model

extension ArgoBackend {
    /// All workflows that carry this installation's label, ended ones too, by one list of names.
    public func markedRuns() async throws(BackendError) -> [MarkedRun] {
        do throws(ArgoError) {
            let listing = try await client.list("\(WorkflowManifest.Mark.gateway)=\(settings.gateway)", isBrief: true)
            return listing.workflows.filter { $0.isOwned(by: settings.gateway) && !$0.isArchived }
                .map { MarkedRun(name: BackendTaskID($0.name), createdAt: $0.createdAt) }
        } catch {
            throw failure(error)
        }
    }
}
