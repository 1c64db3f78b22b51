import HTTPTypes
import NodeODM

/// The fields of init, as they wait in the upload area for the commit.
struct InitFields: Sendable {
    var name: String?
    var options: [TaskOption] = []
    var skipPostProcessing = false
    var webhook: String?
    /// Nil: the default set of results.
    var outputs: [String]?
    /// Wall clock, ms.
    var dateCreated: Int64
    var zipurl: String?

    /// Reads them from a form.
    /// - Parameters:
    ///   - form: texts by field name.
    ///   - now: wall clock, ms, used where `dateCreated` is absent or no number.
    /// - Throws: ``Refusal`` with the text for people where options aren't valid.
    init(form: [String: String], now: Int64) throws(Refusal) {
        skipPostProcessing = form["skipPostProcessing"] == "true"
        name = form["name"].map { $0.isEmpty ? "Task of \(RFC3339.text(milliseconds: now))" : $0 }
        webhook = form["webhook"].flatMap { $0.utf16.count > 3 ? $0 : nil }
        outputs = ConfinedPaths(json: form["outputs"])?.paths
        dateCreated = form["dateCreated"].flatMap(Self.leadingInteger) ?? now
        zipurl = form["zipurl"].flatMap { $0.isEmpty ? nil : $0 }
        options = try Self.validate(form["options"], skipPostProcessing: skipPostProcessing)
    }

    /// Options as NodeODM checks them: the number 1 isn't a boolean.
    static func validate(_ text: String?, skipPostProcessing: Bool) throws(Refusal) -> [TaskOption] {
        let rules = OptionCatalog.ValidationRules(skipPostProcessing: skipPostProcessing, numbersAreBooleans: false)
        switch OptionCatalog.engine360.validate(optionsText: text, rules: rules) {
        case .success(let options): return options
        case .failure(let errors): throw Refusal(errors.message)
        }
    }

    /// JavaScript's `parseInt`, as far as a date needs it.
    private static func leadingInteger(_ text: String) -> Int64? {
        let trimmed = text.drop { $0 == " " }
        let sign = trimmed.hasPrefix("-") ? "-" : ""
        return Int64(sign + trimmed.dropFirst(sign.count).prefix { ("0"..."9").contains($0) })
    }
}

// MARK: On disk

extension InitFields {
    /// The text of `body.json`.
    var text: [UInt8] {
        JSONWriter.text { json in
            json.beginObject()
            if let name { json.pair("name") { $0.string(name) } }
            json.pair("options") { TaskOption.encode(options, into: &$0) }
            json.pair("skipPostProcessing") { $0.bool(skipPostProcessing) }
            if let webhook { json.pair("webhook") { $0.string(webhook) } }
            if let outputs { json.pair("outputs") { $0.raw(Array(Self.json(of: outputs).utf8)) } }
            json.pair("dateCreated") { $0.integer(dateCreated) }
            if let zipurl { json.pair("zipurl") { $0.string(zipurl) } }
            json.endObject()
        }
    }

    /// Reads `body.json`; nil where it is no JSON object.
    init?(text: [UInt8]) {
        guard let json = try? JSONValue(parsing: text), json.members != nil else { return nil }
        name = json["name"]?.text
        options = TaskOption.list(from: json["options"])
        skipPostProcessing = json["skipPostProcessing"]?.bool ?? false
        webhook = json["webhook"]?.text
        outputs = json["outputs"].flatMap { ConfinedPaths(json: $0)?.paths }
        dateCreated = json["dateCreated"]?.integer ?? 0
        zipurl = json["zipurl"]?.text
    }

    private static func json(of paths: [String]) -> String {
        var json = JSONWriter()
        json.beginArray()
        for path in paths { json.string(path) }
        json.endArray()
        return String(decoding: json.bytes, as: UTF8.self)
    }
}
