internal import CCurl
internal import Glibc

/// libcurl's start for the whole process; it never ends.
enum CurlGlobal {
    private static let result = curl_global_init(Int(CURL_GLOBAL_DEFAULT))

    /// Starts libcurl; harmless the second time. A static's first use runs once, whatever the thread.
    static func start() { _ = result }

    /// What SSL_CERT_FILE names. Read once: the environment doesn't change while the program runs.
    static let environmentAuthorities = getenv("SSL_CERT_FILE").map { String(cString: $0) }

    /// Whether names are looked up on a thread of libcurl's instead of blocking the loop.
    static var resolvesAsynchronously: Bool {
        guard let info = curl_version_info(CURLVERSION_FIRST) else { return false }
        return info.pointee.features & CURL_VERSION_ASYNCHDNS != 0
    }
}
