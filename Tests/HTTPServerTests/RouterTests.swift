import HTTPTypes
import Testing

@testable import HTTPServer

@Suite("Router")
struct RouterTests {
    private let router: Router = {
        var router = Router { _, _, _, response in try await response.send(HTTPResponse(.notFound)) }
        let nothing: RouteHandler = { _, _, _, response in try await response.send(HTTPResponse(.ok)) }
        router.on(.get, "/", name: "root", nothing)
        router.on(.get, "/info", name: "info", nothing)
        router.on(.post, "/task/new", name: "new", nothing)
        router.on(.get, "/task/list", name: "list", nothing)
        router.on(.get, "/task/{uuid}/info", name: "taskInfo", nothing)
        router.on(.get, "/task/{uuid}/download/{asset...}", name: "download", nothing)
        router.on(.post, "/task/new/init", name: "init", nothing)
        router.on(.post, "/task/new/upload/{uuid}", name: "upload", nothing)
        router.onAnyOptions(name: "options", nothing)
        return router
    }()

    private func find(_ method: HTTPMethod, _ target: String) -> String {
        switch router.find(HTTPRequest(method, target)) {
        case .route(let route, let captures):
            ([route.name] + ["uuid", "asset"].map { captures[$0] }.filter { !$0.isEmpty }).joined(separator: " ")
        case .methodNotAllowed(let methods): "405 " + methods.map(\.name).joined(separator: ",")
        case .unknownPath: "404"
        }
    }

    @Test(
        "finds the route",
        arguments: [
            ("/", "root"), ("/info", "info"), ("/info/", "info"), ("/info?token=x", "info"), ("/info/x", "404"),
            ("//info", "404"), ("/info//", "404"), ("/Info", "404"), ("/inf", "404"), ("/task/list", "list"),
            ("/task/new", "405 POST"), ("/task/abc/info", "taskInfo abc"), ("/task/list/info", "taskInfo list"),
            ("/task//info", "404"), ("/task/a%2Fb/info", "taskInfo a/b"), ("/task/..%00/info", "taskInfo ..\0"),
            ("/task/%zz/info", "taskInfo %zz"), ("/task/u/download/all.zip", "download u all.zip"),
            ("/task/u/download/a/b%20c", "download u a/b c"), ("/task/u/download", "404"), ("/task/u/download/", "404"),
            ("/task/new/upload/7", "405 POST"), ("http://h/info", "info"), ("http://h", "root"), ("/nonsense", "404"),
        ])
    func routes(target: String, expected: String) {
        #expect(find(.get, target) == expected)
    }

    @Test("each name has one place, however many patterns bear it, and a route tells it")
    func places() {
        var router = router
        router.on(.get, "/again", name: "info") { _, _, _, response in try await response.send(HTTPResponse(.ok)) }
        let names = ["root", "info", "new", "list", "taskInfo", "download", "init", "upload", "options"]
        #expect(router.routeNames == names)
        for (target, index) in [("/info", 1), ("/again", 1), ("/task/x/info", 4)] {
            guard case .route(let route, _) = router.find(HTTPRequest(.get, target)) else {
                Issue.record("no route for \(target)")
                continue
            }
            #expect(route.index == index)
        }
    }

    @Test("HEAD is answered by GET's handler, other methods are not")
    func methods() {
        #expect(find(.head, "/info") == "info")
        #expect(find(.post, "/info") == "405 GET,HEAD")
        #expect(find(.other("BREW"), "/info") == "405 GET,HEAD")
        #expect(find(.post, "/task/new/upload/7") == "upload 7")
    }

    @Test("OPTIONS goes to its handler anywhere")
    func options() {
        for target in ["/info", "/nonsense", "*"] { #expect(find(.options, target) == "options") }
    }
}
