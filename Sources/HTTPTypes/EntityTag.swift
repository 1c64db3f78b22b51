/// The tags by which a client says which copy it has (RFC 9110 §8.8.3).
public enum EntityTag {
    /// Looks a tag up in a list; `*` has every tag, and a weak tag is taken for the strong one.
    /// - Parameters:
    ///   - etag: a strong tag, with its quotes.
    ///   - list: the value of If-Match or If-None-Match.
    /// - Returns: whether it is there.
    public static func isListed(_ etag: String, in list: String) -> Bool {
        list.split(separator: ",").contains { entry in
            let tag = ASCII.trimmed(entry)
            return tag == "*" || tag == etag || tag == "W/" + etag
        }
    }
}
