internal import HTTPTypes

/// The query of one call of the admin API.
///
/// A parameter that isn't known, or can't be read, is refused: whoever asks for `?stat=failed` or `?limit=all` would else take
/// the answer for what he asked.
struct AdminQuery: Sendable {
    private let items: [FormURLEncoded.Item]

    /// Reads a query.
    /// - Parameters:
    ///   - request: the call.
    ///   - names: the parameters that this call has.
    ///   - repeated: those of them that may be given several times.
    /// - Throws: `AdminError` with what there is, for any other.
    init(_ request: HTTPRequest, _ names: [String], repeated: [String] = []) throws(AdminError) {
        items = request.queryItems
        for item in items {
            guard names.contains(item.name) else {
                let known = names.map { "`\($0)`" }.joined(separator: ", ")
                let advice = names.isEmpty ? "it takes none" : "there are \(known)"
                throw AdminError(.badRequest, "This call has no parameter `\(item.name)`: \(advice).")
            }
            guard repeated.contains(item.name) || items.count(where: { $0.name == item.name }) == 1 else {
                throw AdminError(.badRequest, "`\(item.name)` may be given once only.")
            }
        }
    }

    /// A parameter's value; nil where it isn't given.
    subscript(_ name: String) -> String? { items.first { $0.name == name }?.value }

    /// All values of a parameter, in order.
    func all(_ name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }

    /// A whole number.
    /// - Parameters:
    ///   - name: the parameter.
    ///   - range: what it may be.
    ///   - usual: what it is where it isn't given.
    /// - Returns: the number.
    /// - Throws: `AdminError` for anything else.
    func number(_ name: String, in range: ClosedRange<Int>, usual: Int) throws(AdminError) -> Int {
        guard let text = self[name] else { return usual }
        guard let number = Int(text), range.contains(number) else {
            let (least, most) = (range.lowerBound, range.upperBound)
            throw AdminError(
                .badRequest, "`\(name)` must be a whole number from \(least) to \(most), not \"\(text.prefix(40))\".")
        }
        return number
    }

    /// A yes or no; no where it isn't given.
    /// - Throws: `AdminError` for what is neither `true` nor `false`.
    func flag(_ name: String) throws(AdminError) -> Bool {
        switch self[name] {
        case nil, "false": return false
        case "true": return true
        case let text?:
            throw AdminError(.badRequest, "`\(name)` must be true or false, not \"\(text.prefix(40))\".")
        }
    }
}
