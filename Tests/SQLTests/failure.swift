import SQL
import Testing

/// The error of a body that must throw one of this module; records an issue and gives nil where it doesn't.
func failure<T>(
    _ body: () async throws -> T, at location: SourceLocation = #_sourceLocation
) async -> DatabaseError? {
    do {
        _ = try await body()
        Issue.record("nothing was thrown", sourceLocation: location)
    } catch let error as DatabaseError {
        return error
    } catch {
        Issue.record("threw \(error)", sourceLocation: location)
    }
    return nil
}
