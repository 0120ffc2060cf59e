internal import Concurrency
internal import JSON
internal import Text

extension LeaderElection {
    func perform(_ step: LeaderElectionStateMachine.Step) async -> LeaderElectionStateMachine.Input {
        switch step {
        case .wait(let delay):
            // It throws only when the task is cancelled, which the caller checks.
            try? await stopwatch.sleep(for: delay)
            return .waited
        case .read(let limit):
            return await request("get", within: limit) { [self] () async throws(KubernetesError) in
                .lease(try await read())
            }
        case .write(let write, let limit):
            let verb = write.base == nil ? "create" : "update"
            return await request(verb, within: limit) { [self] () async throws(KubernetesError) in
                .written(Lease(object: try await self.write(write)))
            }
        case .stop:
            preconditionFailure("the election has ended, and has no further step")
        }
    }

    private func read() async throws(KubernetesError) -> Lease? {
        do {
            return Lease(
                object: try await client.get(Lease.type, name: configuration.name, namespace: configuration.namespace))
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
    }

    private func write(_ write: Lease.Write) async throws(KubernetesError) -> APIObject {
        let body = configuration.body(of: write, at: wallClock(), fitness: fitness())
        guard let base = write.base else {
            return try await client.create(
                Lease.type, namespace: configuration.namespace, body: body, replying: .full)
        }
        return try await client.replace(
            Lease.type, name: configuration.name, namespace: configuration.namespace,
            resourceVersion: base.object.metadata.resourceVersion, body: body, replying: .full)
    }

    /// Performs a request within a time limit, by the client's clock. The client's own limit may be longer.
    private func request(
        _ verb: String, within limit: Duration,
        _ operation: @escaping @Sendable () async throws(KubernetesError) -> LeaderElectionStateMachine.Input
    ) async -> LeaderElectionStateMachine.Input {
        let isWrite = verb != "get"
        switch await client.transport.stopwatch.run(within: limit, { try await operation() }) {
        case .success(let input):
            return input
        case .failure(let error as KubernetesError):
            return .failed(explained(error, verb))
        case .failure:
            return .failed(
                KubernetesError(
                    code: .cancelled, message: "cancelled before the \(verb) of the lease was complete",
                    isOutcomeUnknown: isWrite))
        case nil:
            return .failed(
                KubernetesError(
                    code: .timedOut, message: "no complete reply to the \(verb) of the lease within \(limit.readable)",
                    isOutcomeUnknown: isWrite))
        }
    }

    private func explained(_ error: KubernetesError, _ verb: String) -> KubernetesError {
        // A namespace that is being deleted forbids writes too, and there no permission helps.
        let isTerminating = error.statusCauses.contains { $0.reason == "NamespaceTerminating" }
        var error = error
        if error.missing == .namespace { error.message += "; create the namespace '\(configuration.namespace)'" }
        guard error.code == .forbidden, !isTerminating else { return error }
        error.message =
            "the client's user may not \(verb) leases.coordination.k8s.io in namespace '\(configuration.namespace)'; "
            + "leader election needs a Role with get, create and update there. The server says: \(error.message)"
        return error
    }
}
