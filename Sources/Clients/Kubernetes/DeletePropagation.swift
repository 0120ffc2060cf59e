/// What becomes of the objects that a deleted one owns (`propagationPolicy` of meta/v1).
public enum DeletePropagation: String, Sendable, Hashable {
    /// The garbage collector deletes them afterwards.
    case background = "Background"
    /// The object stays, marked as being deleted, until they are gone.
    case foreground = "Foreground"
    /// They stay, and nobody owns them any more.
    case orphan = "Orphan"
}
