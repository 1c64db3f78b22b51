import Glibc
import Observability
import Testing

@Suite("Secrets")
struct SecretTests {
    @Test("no description, dump or interpolation shows a secret")
    func neverShown() {
        struct Holder { var token: Secret }
        let holder = Holder(token: Secret("hunter2"))
        var dumped = ""
        dump(holder, to: &dumped)
        for text in ["\(holder)", "\(holder.token)", String(reflecting: holder), holder.token.debugDescription, dumped]
        {
            #expect(!text.contains("hunter2"))
        }
        #expect(holder.token.description == "***")
        #expect(holder.token.reveal() == "hunter2")
    }

    @Test("comparison looks at all of it")
    func matches() {
        let secret = Secret("abc")
        #expect(secret.matches("abc"))
        for other in ["", "ab", "abd", "abcd", "xbc"] { #expect(!secret.matches(other)) }
        #expect(!Secret("").matches("a"))
    }

    @Test("a secret's file is read again when it changes; what can't be read leaves the last one in use")
    func fileIsReadAgain() throws {
        let path = "/tmp/secret-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        defer { unlink(path) }
        write("first\n", to: path)
        let secret = try Secret(file: path)
        #expect(secret.reveal() == "first")
        #expect(secret.origin == .file(path))
        write("the second", to: path)
        #expect(secret.reveal() == "the second")
        write("", to: path)
        #expect(secret.reveal() == "the second")
        unlink(path)
        #expect(secret.reveal() == "the second")
    }

    @Test("a file that can't hold a secret is an error that names it")
    func badFiles() {
        let path = "/tmp/secret-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        defer { unlink(path) }
        let absent = "\(path) can't be read: No such file or directory"
        expect(.unreadable, absent) { () throws(SecretError) in try Secret(file: path) }
        expect(.unreadable, "/tmp is not a regular file") { () throws(SecretError) in try Secret(file: "/tmp") }
        write("\n", to: path)
        expect(.empty, "\(path) is empty") { () throws(SecretError) in try Secret(file: path) }
        write("a\0b", to: path)
        #expect(throws: SecretError.self) { try Secret(file: path) }
        write(String(repeating: "x", count: 70_000), to: path)
        #expect(throws: SecretError.self) { try Secret(file: path) }
    }

    private func expect(_ code: SecretError.Code, _ message: String, _ body: () throws(SecretError) -> Secret) {
        do throws(SecretError) {
            _ = try body()
            Issue.record("read without an error")
        } catch {
            #expect(error.code == code)
            #expect(error.message == message)
        }
    }

    private func write(_ text: String, to path: String) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        #expect(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    }
}
