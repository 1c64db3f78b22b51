/// Images of the engine that a client may name.
public enum EngineImages {
    /// Whether a list allows an image. An entry without a tag and a digest stands for all of its repository; any other for itself.
    /// - Parameters:
    ///   - entries: of the inventory.
    ///   - image: as a client named it.
    /// - Returns: false for what no entry covers.
    public static func allow(_ entries: [String], _ image: String) -> Bool {
        entries.contains { entry in
            if entry == image { return true }
            let last = entry.split(separator: "/").last ?? ""
            guard !last.contains(":"), !last.contains("@") else { return false }
            return image.hasPrefix(entry + ":") || image.hasPrefix(entry + "@")
        }
    }
}
