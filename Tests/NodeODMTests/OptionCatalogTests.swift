import NodeODM
import Testing

@Suite("Options (contract, section 6)")
struct OptionCatalogTests {
    private let engine = OptionCatalog.engine360
    private let plain = OptionCatalog.ValidationRules(skipPostProcessing: true)

    private func accepted(_ text: String?) -> String? {
        try? TaskOption.text(of: engine.validate(optionsText: text, rules: plain).get())
    }

    private func refusal(_ text: String) -> OptionErrors? {
        guard case .failure(let errors) = engine.validate(optionsText: text, rules: plain) else { return nil }
        return errors
    }

    @Test(
        "accepted options show their typed values in the list's order",
        arguments: [
            (nil, "[]"), ("", "[]"), ("[]", "[]"),
            (#"{"a":1}"#, "[]"),  // item 17
            ("5", "[]"), ("null", "[]"),
            (#"[{"name":"no-such-option","value":"1"}]"#, "[]"),  // item 18
            (#"[{"name":"dsm","value":"1"}]"#, #"[{"name":"dsm","value":true}]"#),  // item 19
            (#"[{"name":"dsm","value":1}]"#, #"[{"name":"dsm","value":true}]"#),
            (#"[{"name":"dsm","value":false}]"#, #"[{"name":"dsm","value":false}]"#),
            (#"[{"name":"mesh-size","value":"12abc"}]"#, #"[{"name":"mesh-size","value":12}]"#),  // item 21
            (#"[{"name":"mesh-size","value":1.9}]"#, #"[{"name":"mesh-size","value":1}]"#),
            (#"[{"name":"mesh-size","value":"0"}]"#, #"[{"name":"mesh-size","value":0}]"#),
            (#"[{"name":"crop","value":" 1.5e1x"}]"#, #"[{"name":"crop","value":15}]"#),
            (#"[{"name":"crop","value":".5"}]"#, #"[{"name":"crop","value":0.5}]"#),
            (#"[{"name":"dem-resolution","value":"2.50"}]"#, #"[{"name":"dem-resolution","value":2.5}]"#),
            (#"[{"name":"dtm","value":true},{"name":"dtm","value":false}]"#, #"[{"name":"dtm","value":true}]"#),  // 22
            (
                #"[{"name":"project-path","value":"/"},{"name":"copy-to","value":"/"},{"name":"rerun-all","value":true}]"#,
                "[]"
            ),
            (
                #"[{"name":"dsm","value":true},{"name":"pc-quality","value":"low"},{"name":"end-with","value":"odm_dem"}]"#,
                #"[{"name":"end-with","value":"odm_dem"},{"name":"pc-quality","value":"low"},{"name":"dsm","value":true}]"#
            ),
            (#"[{"name":"boundary","value":"{\"a\":[1]}"}]"#, #"[{"name":"boundary","value":"{\"a\":[1]}"}]"#),
            (#"[{"name":"mesh-octree-depth","value":"14"}]"#, #"[{"name":"mesh-octree-depth","value":14}]"#),
        ])
    func accepts(text: String?, options: String) {
        #expect(accepted(text) == options)
    }

    @Test(
        "refused values name their option and why",
        arguments: [
            (#"[{"name":"feature-type","value":"no"}]"#, "feature-type", "Invalid value no (not in enum)"),  // item 20
            (#"[{"name":"mesh-size","value":"abc"}]"#, "mesh-size", "Invalid value abc (out of range)"),  // item 21
            (#"[{"name":"mesh-size","value":-1}]"#, "mesh-size", "Invalid value -1 (out of range)"),
            (#"[{"name":"mesh-size","value":"99999999999999999999"}]"#, "mesh-size", "(out of range)"),
            (#"[{"name":"mesh-size","value":1e300}]"#, "mesh-size", "(out of range)"),
            (#"[{"name":"mesh-size"}]"#, "mesh-size", "Invalid value null (out of range)"),
            (#"[{"name":"dsm","value":2}]"#, "dsm", "Cannot convert 2 to boolean"),
            (#"[{"name":"dsm","value":[true]}]"#, "dsm", "Cannot convert […] to boolean"),
            (#"[{"name":"dsm","value":"yes"}]"#, "dsm", "Cannot convert yes to boolean"),
            (#"[{"name":"crop","value":"Infinity"}]"#, "crop", "(out of range)"),
            (#"[{"name":"crop","value":1e999}]"#, "crop", "(out of range)"),
            (
                #"[{"name":"orthophoto-resolution","value":0}]"#, "orthophoto-resolution",
                "Invalid value 0 (out of range)"
            ),
            (#"[{"name":"mesh-octree-depth","value":15}]"#, "mesh-octree-depth", "Invalid value 15 (out of range)"),
            (#"[{"name":"boundary","value":"{"}]"#, "boundary", "Invalid value { (out of range)"),
        ])
    func refuses(text: String, name: String, reason: String) {
        let errors = refusal(text)
        #expect(errors?.failures.first?.name == name)
        #expect(errors?.failures.first?.reason.contains(reason) == true)
    }

    @Test("item 16: what isn't JSON gives the parser's text")
    func notJSON() {
        #expect(refusal("not json")?.message == "Unexpected token o in JSON at position 1")
    }

    @Test("item 17: a list with null in it is an error, not a crash")
    func nullEntry() {
        #expect(refusal("[null]")?.code == .notAnObject)
    }

    @Test("item 20: two bad options are both named, as JSON inside the text")
    func collectsAll() throws {
        let text =
            #"[{"name":"mesh-size","value":"x"},{"name":"feature-type","value":"y"},{"name":"dsm","value":true}]"#
        #expect(
            refusal(text)?.message
                == #"[{"name":"feature-type","error":"Invalid value y (not in enum)"},"#
                + #"{"name":"mesh-size","error":"Invalid value x (out of range)"}]"#)
    }

    @Test("a node as NodeODM refuses the number 1 for a boolean (item 19)")
    func strictBooleans() {
        let result = engine.validate(
            optionsText: #"[{"name":"dsm","value":1}]"#,
            rules: OptionCatalog.ValidationRules(skipPostProcessing: true, numbersAreBooleans: false))
        guard case .failure(let errors) = result else { return #expect(Bool(false), "accepted") }
        #expect(errors.failures.first?.reason == "Cannot convert 1 to boolean")
    }

    @Test("item 96: pc-ept, cog and gltf are added behind the others unless mentioned or skipPostProcessing")
    func additions() throws {
        let added = try engine.validate(
            optionsText: #"[{"name":"rolling-shutter","value":true},{"name":"x","value":1}]"#
        ).get()
        #expect(added.map(\.name) == ["rolling-shutter", "pc-ept", "cog", "gltf"])
        let mentioned = try engine.validate(optionsText: #"[{"name":"cog","value":false}]"#).get()
        #expect(
            TaskOption.text(of: mentioned)
                == #"[{"name":"cog","value":false},{"name":"pc-ept","value":true},{"name":"gltf","value":true}]"#)
        let small = OptionCatalog([try #require(engine["cog"])])
        #expect(try small.validate(optionsText: nil).get() == [TaskOption(name: "cog", value: .bool(true))])
    }

    @Test(
        "max-concurrency is capped, or added",
        arguments: [
            ("[]", 4), (#"[{"name":"max-concurrency","value":2}]"#, 2),
            (#"[{"name":"max-concurrency","value":99}]"#, 4),
        ])
    func maxConcurrency(text: String, expected: Int64) throws {
        let rules = OptionCatalog.ValidationRules(skipPostProcessing: true, maxConcurrency: 4)
        let options = try engine.validate(optionsText: text, rules: rules).get()
        #expect(options == [TaskOption(name: "max-concurrency", value: .integer(expected))])
    }

    @Test("item 9: the built-in list has five keys an entry, texts as values, and rerun-from as WebODM needs it")
    func wire() throws {
        var json = JSONWriter()
        engine.encode(into: &json)
        let entries = try #require(try JSONValue(parsing: json.bytes).array)
        #expect(entries.count == 82)
        for entry in entries {
            #expect(entry.members?.map(\.name) == ["name", "type", "value", "domain", "help"])
            #expect(entry["value"]?.text != nil)
        }
        #expect(try OptionCatalog(decoding: json.bytes) == engine)
        let stages = try #require(entries.first { $0["name"] == .string("rerun-from") }?["domain"]?.array)
        #expect(stages.first == .string("") && stages.dropFirst().first == .string("dataset"))
        #expect(stages.last == .string("odm_postprocess"))
    }

    @Test("every default of the built-in list is a value of its own domain, except empty JSON")
    func defaultsAreValid() {
        for definition in engine.definitions where definition.domain != .rule("json") {
            let text = #"[{"name":"\#(definition.name)","value":"\#(definition.value)"}]"#
            #expect(refusal(text) == nil, "\(definition.name)")
        }
    }

    @Test("a node's list may have extra keys, typed defaults, the domain bool, and names that are never listed")
    func lenientDecoding() throws {
        let text = """
            [{"name":"dsm","type":"bool","value":false,"domain":"bool","help":"h","extra":1},{"name":"x","type":"weird"},5,
             {"name":"split","type":"int","value":400},{"name":"project-path","type":"string","value":""}]
            """
        let catalog = try OptionCatalog(decoding: Array(text.utf8))
        #expect(catalog.definitions.map(\.name) == ["dsm", "split"])
        #expect(catalog["dsm"]?.domain == .rule("") && catalog["split"]?.value == "400")
        #expect(throws: WireFormatError.self) { try OptionCatalog(decoding: Array(#"{"error":"x"}"#.utf8)) }
        #expect(throws: WireFormatError.self) { try OptionCatalog(decoding: []) }
    }

    @Test("an unknown domain is an error for the value, not a crash")
    func unknownDomain() {
        let odd = OptionDefinition(
            name: "odd", type: .integer, value: "1", domain: .rule("integer: 5 <= x <= 1"), help: "")
        let result = OptionCatalog([odd]).validate(optionsText: #"[{"name":"odd","value":1}]"#, rules: plain)
        guard case .failure(let errors) = result else { return #expect(Bool(false), "accepted") }
        #expect(errors.failures.first?.reason.hasPrefix("Domain value cannot be handled: ") == true)
    }

    @Test("the union is in the reference's order, adds choices, and puts unknown names last")
    func union() {
        func choice(_ choices: [String]) -> OptionDefinition {
            OptionDefinition(name: "feature-type", type: .choice, value: "sift", domain: .choices(choices), help: "")
        }
        func flag(_ name: String) -> OptionDefinition {
            OptionDefinition(name: name, type: .bool, value: "false", domain: .rule(""), help: "")
        }
        let first = OptionCatalog([flag("own"), flag("dsm"), choice(["sift", "orb"])])
        let second = OptionCatalog([choice(["hahog", "sift"]), flag("dtm"), flag("other")])
        let union = OptionCatalog.union(of: [first, second])
        #expect(union.definitions.map(\.name) == ["feature-type", "dtm", "dsm", "own", "other"])
        #expect(union["feature-type"]?.domain == .choices(["sift", "orb", "hahog"]))
        #expect(OptionCatalog.union(of: []) == .engine360)
        let options = [TaskOption(name: "dsm", value: .bool(true)), TaskOption(name: "dtm", value: .bool(true))]
        #expect(first.filter(options).map(\.name) == ["dsm"])
        #expect(first.namesLacking(for: options) == ["dtm"])
        #expect(first.without(["dsm"]).contains("dsm") == false)
    }

    @Test("options survive the record: written, read, equal")
    func recordRoundTrip() throws {
        let options = [
            TaskOption(name: "a", value: .bool(true)), TaskOption(name: "b", value: .integer(5)),
            TaskOption(name: "c", value: .double(0.25)), TaskOption(name: "d", value: .string("é\"")),
        ]
        #expect(TaskOption.list(from: try JSONValue(parsing: TaskOption.text(of: options))) == options)
    }
}
