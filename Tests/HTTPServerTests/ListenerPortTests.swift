import Reactor
import TestSupport
import Testing

@testable import HTTPServer

@Suite("Ports")
struct ListenerPortTests {
    private func listener(_ port: UInt16, _ loop: EventLoop) throws -> HTTPListener {
        let address = try #require(SocketAddress(ip: "127.0.0.1", port: port))
        return HTTPListener(address: address, loops: [loop]) { _, _, response in response.closeWithoutAnswer() }
    }

    @Test("a port that another listener has is refused, not shared with it")
    func taken() async throws {
        try await LoopRunner.onLoop { loop in
            let first = try listener(0, loop)
            let port = try await first.bind().port
            let second = try listener(port, loop)
            let error = await #expect(throws: ReactorError.self) { try await second.bind() }
            #expect(error?.code == .addressInUse)
        }
    }
}
