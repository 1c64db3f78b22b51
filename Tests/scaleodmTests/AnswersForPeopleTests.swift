import NodeODM
import Testing

@testable import scaleodm

@Suite("What people see of the gateway's answers")
struct AnswersForPeopleTests {
    @Test(
        "refused options are told in sentences",
        arguments: [
            (
                #"[{"name":"dsm","error":"Cannot convert abc to boolean"}]"#,
                "an option is refused\n  dsm: Cannot convert abc to boolean"
            ),
            (
                #"[{"name":"a","error":"x"},{"name":"b","error":"y"}]"#,
                "2 options are refused\n  a: x\n  b: y"
            ),
        ])
    func options(message: String, text: String) {
        #expect(RefusedOptions.error(message)?.message == text)
    }

    @Test(
        "any other refusal is passed on as it is",
        arguments: ["Need at least 1 file.", "[]", "[1]", #"[{"name":"a"}]"#, #"{"name":"a","error":"x"}"#, "null"])
    func others(message: String) {
        #expect(RefusedOptions.error(message) == nil)
    }

    @Test("how busy a backend is is only told while it says so", arguments: ["offline", "unread", "online", "locked"])
    func busy(state: String) throws {
        let backend = try JSONValue(
            parsing: #"[{"name":"n","state":"\#(state)","unfinished":3,"slots":4,"engineVersion":"3.6.0"}]"#)
        let table = BackendsCommand.table(backend.array ?? [])
        #expect(table.contains("3 of 4") == (state == "online" || state == "locked"))
    }

    @Test(
        "beside an offline backend stands since when, and what to do",
        arguments: [
            (#"{"name":"n"}"#, ""),
            (
                #"{"name":"n","offlineSince":"2026-05-04T12:00:00.123Z","advice":"start it"}"#,
                "\nn is offline since 2026-05-04T12:00:00Z: start it\n"
            ),
            (
                #"{"name":"n","advice":"start it"}"#,
                "\nn has not answered since the gateway was started: start it\n"
            ),
        ])
    func advice(backend: String, text: String) throws {
        #expect(BackendsCommand.advice([try JSONValue(parsing: backend)]) == text)
    }

    @Test("runs that no record knows are told below the table, with the newest names")
    func orphans() throws {
        let orphans = #""orphans":{"count":12,"newest":["odm-pipeline-b","odm-pipeline-a"]}"#
        let backends = try JSONValue(parsing: #"[{"name":"fra","state":"online",\#(orphans)},{"name":"nyc"}]"#)
        let text = BackendsCommand.table(backends.array ?? [])
        #expect(text.contains("fra has 12 of our runs that no record knows: odm-pipeline-b, odm-pipeline-a, …\n"))
        #expect(!text.contains("nyc has"))
    }
}
