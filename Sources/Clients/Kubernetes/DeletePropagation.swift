/// What happens to the objects that a deleted object owns (`propagationPolicy` of meta/v1). A later version may add
/// values.
public struct DeletePropagation: Sendable, Hashable {
    /// The value in the request's `DeleteOptions`.
    let policy: String

    /// The garbage collector deletes the owned objects afterwards.
    public static let background = Self(policy: "Background")
    /// The object stays, marked as being deleted, until the owned objects are gone.
    public static let foreground = Self(policy: "Foreground")
    /// The owned objects stay, without an owner.
    public static let orphan = Self(policy: "Orphan")
}
