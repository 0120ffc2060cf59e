/// What a credential plug-in handed out.
struct PluginCredential: Sendable, Hashable {
    var token: Secret?
    var certificate: TLSMaterial.Client?
    /// How much longer it is valid; `nil` until the server refuses it.
    var lifetime: Duration?

    /// Whether the two differ in their lifetimes at most.
    func provesTheSame(as other: Self) -> Bool {
        token == other.token && certificate == other.certificate
    }
}

/// Decides when a credential plug-in has to run. It does no I/O: its owner runs the plug-in, and reports the outcome.
struct PluginCredentialCache {
    /// How long before its end a credential is replaced, so that none expires on its way to the server.
    static let leeway = Duration.seconds(10)
    /// How long even a credential counts that has expired when it comes, so that not each request runs the plug-in.
    static let shortestUse = Duration.seconds(1)
    /// How soon a plug-in runs again that answered a refusal with the refused credential.
    static let stubbornPause = Duration.seconds(10)

    /// A credential and which run of the plug-in it came from.
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

    /// The server refused what a run gave.
    ///
    /// - Returns: whether another attempt makes sense, with what ``current(now:)`` gives or another run will.
    mutating func refuse(run: Int, now: Duration) -> Bool {
        guard let entry, entry.run == run else { return true }
        guard now >= entry.mayBeRefusedFrom else { return false }
        isRefused = true
        return true
    }

    /// The plug-in ran.
    mutating func ran(_ credential: PluginCredential, now: Duration) -> Entry {
        let isStubborn = isRefused && entry?.credential.provesTheSame(as: credential) == true
        runs += 1
        isRefused = false
        let entry = Entry(
            credential: credential, run: runs,
            staleFrom: credential.lifetime.map { now + max($0 - min(Self.leeway, $0 / 10), Self.shortestUse) },
            mayBeRefusedFrom: isStubborn ? now + Self.stubbornPause : now)
        self.entry = entry
        return entry
    }
}
