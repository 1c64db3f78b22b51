/// How secrets look when an inventory is printed.
///
/// None of these reveals what a file or the environment holds.
public enum SecretDisplay: Sendable {
    /// `***`, whatever they come from; a secret's file by its path. For people.
    case masked
    /// Text with `${NAME}` as the file has it, unexpanded; a secret that stands in the file itself as `***`.
    case references
    /// As `references`, and a secret that stands in the file itself as it is. For the record alone.
    case referencesAndLiterals
}
