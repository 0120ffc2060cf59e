/// What a ``Watcher`` reports: full pictures, framed, and the changes between them.
///
/// A picture counts only when it is complete: keep the objects since ``listBegins`` aside until ``listComplete``
/// comes, then let them replace all that was known. When another ``listBegins`` comes first, discard them.
public enum WatcherEvent: Sendable, Hashable {
    /// A full picture is about to be asked for; what was known before still counts.
    case listBegins
    /// An object of the picture that is being listed.
    case object(APIObject)
    /// The picture is complete: what is not in it is gone.
    case listComplete
    /// An object was added or modified since.
    case changed(APIObject)
    /// An object is gone, or no longer matches the selector; here is its last state.
    case deleted(APIObject)
    /// Until further notice the picture may be behind: list or watch failed, and is tried again after `retryIn`.
    case interrupted(KubernetesError, retryIn: Duration)
}
