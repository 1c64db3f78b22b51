import HTTPServer
import HTTPTypes
import Model
import NodeODM
import Reactor
import TestSupport
import Testing

@testable import Gateway

@Suite("OpenAPI")
struct OpenAPITests {
    /// The admin API's routes, without the files of its page.
    private static func routes() async throws -> [Router.Line] {
        try await LoopRunner.onLoop { loop in
            let status = GatewayStatus()
            let scrape = MetricsScrape(
                metrics: GatewayMetrics(), status: status, pool: BlockingPool(threads: 1), loop: loop)
            let routes = AdminRoutes(
                status: status, heartbeat: LoopHeartbeat(loops: [loop]), token: nil, minFree: 0, scrape: scrape)
            return routes.router.lines.filter { !$0.name.hasPrefix("page") }
        }
    }

    @Test("the file tells of every route, and of nothing else")
    func paths() async throws {
        let paths = try #require(try JSONValue(parsing: OpenAPIFile.json)["paths"]?.members)
        let told = paths.flatMap { path in
            (path.value.members ?? []).map { "\($0.name.uppercased()) \(path.name)" }
        }
        let table = try await Self.routes().map { "\($0.method.name) \($0.pattern)" }
        #expect(Set(table).subtracting(told) == [], "in the table only")
        #expect(Set(told).subtracting(table) == [], "in the file only")
        #expect(!table.isEmpty)
    }

    @Test("it is of this version, and tells of each figure of the history")
    func words() throws {
        let file = try JSONValue(parsing: OpenAPIFile.json)
        #expect(file["openapi"]?.text?.hasPrefix("3.1.") == true)
        #expect(file["info"]?["version"]?.text == GatewayService.version)
        let history = file["components"]?["schemas"]?["History"]?["properties"]?["series"]?["required"]?.array
        #expect(history?.compactMap(\.text) == History.Figure.allCases.map(\.rawValue))
    }
}
