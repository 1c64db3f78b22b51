internal import Reactor

/// Ends a transfer from outside, where cancelling the task that waits for it isn't possible.
public struct TransferStop: Sendable {
    let port: CurlPort
    let transfer: CurlTransfer

    /// Ends the transfer with `.cancelled`, if it goes on.
    public func now() {
        let (multi, transfer) = (port.multi, transfer)
        port.loop.execute { multi.abort(transfer, HTTPClientError(.cancelled, "the answer isn't wanted any more")) }
    }
}
