extension TaskQueue {
    /// The tasks that are next, in the order in which they are offered slots; those that pause after a failed try come last.
    ///
    /// An owner's limit on tasks at once changes no order: it says only for how long.
    /// - Parameters:
    ///   - owners: shares of the owners; one that isn't here has the defaults and nothing running.
    ///   - limit: so many at most.
    /// - Returns: the first one first.
    public func order(owners: [OwnerID: OwnerShare], limit: Int) -> [QueuedTask] {
        let shares = owners.mapValues { share in
            var share = share
            share.limit = nil
            return share
        }
        // A copy, of which only the places of its groups' heads are changed: its tasks aren't copied.
        var rest = self
        var line = FairShare(&rest, shares) { _ in true }
        var tasks: [QueuedTask] = []
        while tasks.count < limit, let next = line.next(&rest) {
            tasks.append(next.task)
            rest.dropHead(of: next.group)
            line.served(next, &rest)
        }
        return tasks + pausingTasks.prefix(max(0, limit - tasks.count))
    }
}
