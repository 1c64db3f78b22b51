internal import HTTPClient
internal import HTTPTypes
internal import Model
internal import NodeODM
internal import Observability
internal import Reactor
internal import Record

/// Tells webhooks of ends: at least once, from the outbox in the record, with an id to deduplicate by.
struct WebhookSender: Service {
    let name = "webhooks"
    let parts: DispatchParts
    let outbox: WebhookOutbox
    let client: CurlClient
    let outboundGuard: OutboundGuard?

    private static let lease = Duration.seconds(60)

    func run() async throws {
        // Nobody else can be sending what the one before, which was killed, had claimed.
        if parts.duties.isAlone { try? await outbox.releaseClaims() }
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask {
                while true {
                    try await parts.clock.sleep(for: .seconds(1))
                    parts.webhookWake.wake()
                }
            }
            for await _ in parts.webhookWake.wakeUps() {
                try Task.checkCancellation()
                guard let due = try? await outbox.claim(lease: Self.lease, limit: 16, at: now) else { continue }
                for delivery in due {
                    group.addTask {
                        await TraceContext.$current.withValue(TraceContext(isSampled: false)) {
                            await deliver(delivery)
                        }
                    }
                }
            }
        }
    }

    private func deliver(_ delivery: WebhookDelivery) async {
        guard let body = await payload(of: delivery) else {
            _ = try? await outbox.giveUp(delivery, error: "the task is gone", at: now)
            parts.metrics.noteWebhook(.givenUp)
            return
        }
        var request = OutboundRequest(.post, delivery.url, body: .bytes(body))
        request.fields.append(.contentType, "application/json")
        request.fields.append("X-Webhook-ID", delivery.id)
        request.timeouts = .init(connect: .seconds(10), total: .seconds(30), stall: nil)
        request.outboundGuard = outboundGuard
        do throws(HTTPClientError) {
            let answer = try await client.send(request)
            if (200..<300).contains(answer.status) {
                parts.metrics.noteWebhook(.delivered)
                _ = try? await outbox.delivered(delivery, at: now)
            } else {
                parts.metrics.noteWebhook(.refused)
                await again(delivery, "it answered \(answer.status)")
            }
        } catch {
            parts.metrics.noteWebhook(.unreachable)
            await again(delivery, error.message)
        }
    }

    private func again(_ delivery: WebhookDelivery, _ error: String) async {
        guard let pause = WebhookPauses.next(failures: delivery.tries + 1, age: now - delivery.enqueuedAt) else {
            _ = try? await outbox.giveUp(delivery, error: error, at: now)
            parts.metrics.noteWebhook(.givenUp)
            return
        }
        _ = try? await outbox.retry(delivery, due: now + pause, error: error, at: now)
    }

    /// NodeODM's info object, with `images` and ScaleODM's `statusCode` beside it (contract 7).
    private func payload(of delivery: WebhookDelivery) async -> [UInt8]? {
        if let payload = delivery.payload { return Array(payload.utf8) }
        guard let id = TaskID(delivery.task), let record = try? await parts.store.record(of: id) else { return nil }
        let info = parts.lookup.snapshot(of: record).info
        var json = JSONWriter(reserving: 512)
        json.beginObject()
        info.encodeFields(into: &json)
        json.key("images")
        json.beginArray()
        json.endArray()
        json.key("statusCode")
        json.integer(info.status.rawValue)
        json.endObject()
        return json.bytes
    }

    private var now: Timestamp { parts.clock.timestamp }
}
