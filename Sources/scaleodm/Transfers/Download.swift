internal import HTTPClient
internal import Model
internal import NodeODM
internal import Reactor

/// One asset on its way to a file: asked again where the connection breaks, continued where the server offers it.
struct Download: Sendable {
    let gateway: GatewayClient
    let task: BackendTaskID
    let asset: String
    /// The file's name at the end.
    let target: String
    let pool: BlockingPool

    /// Tries without a new byte before it is given up, and the pause before each of them.
    private static let pauses: [Duration] = [1, 2, 4, 8, 15].map { .seconds($0) }

    /// What makes another try worth while.
    private struct Broken: Error {
        var reason: String
    }

    private var source: String { "\(gateway.address.endpoint)/task/\(task)/download/\(asset)" }

    /// Downloads it.
    /// - Returns: its size in bytes.
    /// - Throws: `CommandError`; then nothing is left, or a part that the same command continues.
    func run() async throws -> Int64 {
        let part = PartFile(target, pool: pool)
        var plan = try await part.left(of: source)
        let progress = ProgressDisplay(
            ProgressBar(title: "Downloading", measure: .bytes(done: 0, total: nil, rate: nil)))
        if plan.resumes {
            progress.say("Continuing \(target).part at \(ByteCount(plan.size)).")
        } else if plan.size > 0 {
            progress.say("\(target).part can't be continued: the server offered no ranges for it. Starting again.")
            plan = ResumePlan()
        }
        do {
            try await progress.during { try await run(&plan, part, progress) }
            try await part.finish()
            return plan.size
        } catch {
            if plan.resumes {
                progress.say("\(target).part is kept: the same command continues it.")
            } else {
                await part.discard()
            }
            throw error
        }
    }

    private func run(_ plan: inout ResumePlan, _ part: PartFile, _ progress: ProgressDisplay) async throws {
        var failures = 0
        while true {
            let before = plan.size
            let reason: String
            do {
                if try await attempt(&plan, part, progress) { return }
                continue
            } catch let error as Broken {
                reason = error.reason
            } catch let error as HTTPClientError {
                if error.code == .cancelled { throw CancellationError() }
                if error.code == .notSent, before == 0, failures == 0 { throw gateway.address.silence(error.message) }
                reason = error.message
            }
            failures = plan.size > before ? 1 : failures + 1
            guard failures <= Self.pauses.count else {
                throw CommandError("the download broke off: \(reason)", advice: "Try again later.")
            }
            progress.say("The download broke off (\(reason)); \(Self.next(plan)).")
            if !plan.resumes { plan = ResumePlan() }
            try await gateway.loop.sleep(for: Self.pauses[failures - 1])
        }
    }

    private static func next(_ plan: ResumePlan) -> String {
        if plan.resumes { return "continuing at \(ByteCount(plan.size))" }
        return plan.size > 0 ? "starting again, since no ranges are offered" : "trying again"
    }

    /// One request.
    /// - Returns: whether all of it is there now.
    private func attempt(
        _ plan: inout ResumePlan, _ part: PartFile, _ progress: ProgressDisplay
    ) async throws -> Bool {
        var current = plan
        var isWhole = false
        defer { plan = current }
        try await gateway.download(asset, of: task, fields: plan.fields) { head, body in
            switch current.step(after: head, asset: asset) {
            case .append(let total):
                try await receive(body, head, &current, part, progress, total: total)
                isWhole = true
            case .begin(let total):
                if current.resumes { progress.say("The results have changed, or can't be continued: starting again.") }
                current = ResumePlan()
                try await receive(body, head, &current, part, progress, total: total)
                isWhole = true
            case .complete: isWhole = true
            case .startAgain:
                // Without a range asked for there is nothing to start again from: bounded as any other failure.
                guard current.resumes else { throw Broken(reason: "an answer that nobody asked for") }
                progress.say("What is there does not fit any more: starting again.")
                current = ResumePlan()
            case .tryAgain(let reason): throw Broken(reason: reason)
            case .unauthorized: throw gateway.address.wantsToken
            case .refused(let reason): throw CommandError(try await refusal(body, reason))
            }
        }
        return isWhole
    }

    private func receive(
        _ body: BodyStream, _ head: OutboundHead, _ plan: inout ResumePlan, _ part: PartFile,
        _ progress: ProgressDisplay, total: Int64?
    ) async throws {
        plan.validator = ResumePlan.validator(in: head.fields) ?? (plan.size > 0 ? plan.validator : nil)
        try await part.open(keeping: plan.size, of: source, validator: plan.validator)
        progress.set(.bytes(done: plan.size, total: total, rate: nil))
        while let bytes = try await body.next() {
            try await part.append(bytes)
            plan.size += Int64(bytes.count)
            progress.advance(by: Int64(bytes.count))
        }
        if let total, plan.size != total {
            let size = plan.size
            // More than announced is no part of anything.
            if size > total { plan = ResumePlan() }
            throw Broken(reason: "\(size) of \(total) bytes came")
        }
    }

    /// NodeODM's own words, which stand in the body.
    private func refusal(_ body: BodyStream, _ reason: String) async throws -> String {
        var bytes: [UInt8] = []
        while bytes.count < 65_536, let more = try await body.next() { bytes += more }
        let json = try? JSONValue(parsing: bytes)
        let words = (json?["error"]?.text ?? reason).printable
        return "\(asset) of \(task): \(words.isEmpty ? "the server refuses it" : words)"
    }
}
