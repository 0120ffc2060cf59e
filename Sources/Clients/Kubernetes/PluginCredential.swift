/// A credential from a credential plug-in.
struct PluginCredential: Sendable, Hashable {
    var token: Secret?
    var certificate: TLSMaterial.Client?
    /// How long it is still valid; `nil` when it is valid until the server refuses it.
    var lifetime: Duration?

    /// Whether both have the same token and certificate. Their lifetimes may differ.
    func provesTheSame(as other: Self) -> Bool {
        token == other.token && certificate == other.certificate
    }
}

/// Decides when a credential plug-in has to run. It does no I/O: its owner runs the plug-in and reports the outcome.
struct PluginCredentialCache {
    /// How long before its expiry a credential is replaced, so that none expires on its way to the server.
    static let leeway = Duration.seconds(10)
    /// The shortest use of a credential, even of an expired one, so that not every request runs the plug-in.
    static let shortestUse = Duration.seconds(1)
    /// The delay before the next run when the plug-in has supplied the refused credential again.
    static let repeatDelay = Duration.seconds(10)

    /// A credential, and the number of the run that supplied it.
    struct Entry: Sendable {
        var credential: PluginCredential
        var run: Int
        fileprivate var staleFrom: Duration?
        fileprivate var mayBeRefusedFrom: Duration
    }

    private var entry: Entry?
    private var runs = 0
    private var isRefused = false

    /// The credential to use; `nil` when the plug-in has to run first.
    func current(now: Duration) -> Entry? {
        guard let entry, !isRefused else { return nil }
        if let staleFrom = entry.staleFrom, now >= staleFrom { return nil }
        return entry
    }

    /// Notes that the server has refused the credential of a run.
    ///
    /// - Returns: whether another attempt makes sense, with a newer credential or after another run.
    mutating func refuse(run: Int, now: Duration) -> Bool {
        guard let entry, entry.run == run else { return true }
        guard now >= entry.mayBeRefusedFrom else { return false }
        isRefused = true
        return true
    }

    /// Notes the result of a run.
    mutating func ran(_ credential: PluginCredential, now: Duration) -> Entry {
        let isUnchanged = isRefused && entry?.credential.provesTheSame(as: credential) == true
        runs += 1
        isRefused = false
        let entry = Entry(
            credential: credential, run: runs,
            staleFrom: credential.lifetime.map { now + max($0 - min(Self.leeway, $0 / 10), Self.shortestUse) },
            mayBeRefusedFrom: isUnchanged ? now + Self.repeatDelay : now)
        self.entry = entry
        return entry
    }
}
