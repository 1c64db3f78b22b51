/// Payloads that `Database.listen` makes itself.
public enum ListenSignal {
    /// Some notifications may have been missed: drop every cache.
    ///
    /// The first element of every stream (from here on none is missed), and again after a broken connection and where
    /// the listener was too slow.
    public static let reset = "reset"
}
