internal import Concurrency
internal import Consul
internal import Sources

/// What a token sees of Consul at one moment.
///
/// Consul leaves out what a token may not read, and answers with success. So an answer without instances may be about a
/// token that lost its rights.
struct VisibleCatalog: Sendable {
    var names: [ConsulScope: Set<String>] = [:]
    /// The services that were asked for as witnesses, and whether they still have instances.
    var witnesses: [ConsulService: Bool] = [:]
    /// Whether Consul knows the token; true without one.
    var knowsToken = true

    /// Why a service may have instances although none is shown; `nil` where it has none.
    ///
    /// - Parameter watched: The scopes in which the servers' own service was ever seen. The token must see it still.
    func doubt(about service: ConsulService, servers watched: Set<ConsulScope>) -> ReadFailure? {
        if !knowsToken {
            return ReadFailure(.refused, reason: "Consul does not know the token any more, so it shows nothing")
        }
        if names[service.scope]?.contains(service.name) == true {
            return ReadFailure(
                .passing,
                reason: "Consul lists '\(service)' but shows no instance: the token may not read its nodes "
                    + "(node_prefix \"\" with read)")
        }
        for scope in watched where names[scope]?.contains(ConsulService.ofServers) != true {
            return ReadFailure(
                .refused,
                reason: "Consul does not even show its own service '\(ConsulService.ofServers)' any more: "
                    + "the token lost its rights (service_prefix \"\" with read)")
        }
        if names[service.scope]?.isEmpty == true, service.scope.isDefault {
            return ReadFailure(
                .refused,
                reason: "Consul shows nothing at all any more, not even its own service: the token lost its rights")
        }
        if !witnesses.isEmpty, !witnesses.values.contains(true) {
            return ReadFailure(
                .refused,
                reason: "Consul shows no instance of anything any more: the token lost its rights "
                    + "(node_prefix \"\" with read)")
        }
        return nil
    }
}

extension ConsulScope {
    /// Whether the servers' own service is in it.
    fileprivate var isDefault: Bool { namespace ?? "default" == "default" && partition ?? "default" == "default" }
}

/// Looks at once for all who ask at the same time.
actor RightsProbe {
    private var requested = 0
    private var covered = 0
    private var isRunning = false
    private var outcome: Result<VisibleCatalog, ConsulError> = .success(VisibleCatalog())
    private let ended = EventCount()

    /// - Returns: The outcome of a look that began after the call.
    func look(
        _ operation: @Sendable () async throws(ConsulError) -> VisibleCatalog
    ) async throws(ConsulError) -> VisibleCatalog {
        requested += 1
        let own = requested
        while covered < own {
            if isRunning {
                await ended.wait(after: ended.ticket)
                if Task.isCancelled { throw ConsulError(.cancelled, "the request was cancelled") }
                continue
            }
            isRunning = true
            let covers = requested
            do throws(ConsulError) {
                outcome = .success(try await operation())
            } catch {
                outcome = .failure(error)
            }
            covered = covers
            isRunning = false
            ended.signal()
        }
        return try outcome.get()
    }
}
