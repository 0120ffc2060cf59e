/// An event of a ``Watcher``: a frame of a full read, or a change after it.
///
/// A full read counts only when it is complete. Collect the objects after ``listBegins`` apart, and let them replace
/// everything known when ``listComplete`` comes. When another ``listBegins`` comes first, discard them.
///
/// The cases stay these: a consumer that missed one would keep a wrong view, so the compiler checks that it handles
/// all.
public enum WatcherEvent: Sendable, Hashable {
    /// A full read is about to be requested. Everything known so far still counts.
    case listBegins
    /// An object of the full read under way.
    case object(APIObject)
    /// The full read is complete. An object that is not in it does not exist.
    case listComplete
    /// An object was added or modified after the full read.
    case changed(APIObject)
    /// An object was deleted, or no longer matches the selector. The value is its last state.
    case deleted(APIObject)
    /// The list or the watch failed, and is repeated after `retryIn`. The view may be behind until then.
    case interrupted(KubernetesError, retryIn: Duration)
}
