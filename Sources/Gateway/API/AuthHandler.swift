/// /auth/*: there is no external login in this version, which the answers say in NodeODM's words (contract 2.12).
struct AuthHandler: Sendable {
    func info() -> APIReply {
        .json(
            Array(
                #"{"message":"Authentication not available on this node","loginUrl":null,"registerUrl":null}"#.utf8))
    }

    func login() throws(APIError) -> APIReply { throw .refused("Not available") }
}
