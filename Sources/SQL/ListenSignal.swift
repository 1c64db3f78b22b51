/// Payloads that `Database.listen` makes itself.
public enum ListenSignal {
    /// Some notifications may have been missed (the connection broke, or the listener was slow): drop every cache.
    public static let reset = "reset"
}
