internal import Foundation
internal import JSON
internal import Synchronization

extension AdmissionWebhook {
    /// Has an API server ask this webhook from now on; returns when it really does. ``stop()`` takes it back.
    ///
    /// That it does is seen by dry runs that create a ConfigMap, for which the API server asks as well, and which the
    /// handler doesn't see.
    ///
    /// - Parameters:
    ///   - resource: the plural of what it is asked for, such as `serviceentries`.
    ///   - group: the API group of that, in any of its versions; empty for the core group.
    ///   - namespace: it is asked for objects of this namespace only, so that a shared server can be used.
    ///   - operations: it is asked for these only.
    ///   - patience: how long the API server waits for an answer, in whole seconds from 1 to 30.
    /// - Throws: ``TestSupportError`` with what `kubectl` said, or when the API server doesn't ask within 20 s.
    public func register(
        as kind: Kind = .validating, in server: RealAPIServer, for resource: String = "serviceentries",
        group: String = "networking.istio.io", namespace: String,
        operations: Set<AdmissionRequest.Operation> = [.create, .update], failurePolicy: FailurePolicy = .fail,
        patience: Duration = .seconds(10)
    ) async throws {
        let registration = state.withLock { state in
            state.registrationCount += 1
            let registration = Registration(
                number: state.registrationCount, port: port, kind: kind, namespace: namespace, kubectl: server.kubectl)
            state.registrations.append(registration)
            return registration
        }
        // Newer servers set this label by themselves.
        let label = "\(Registration.namespaceLabel)=\(namespace)"
        try await server.kubectl("label", "namespace", namespace, label, "--overwrite")
        let configuration = registration.configuration(
            rule: [
                "apiGroups": [.string(group)], "apiVersions": ["*"], "resources": [.string(resource)],
                "operations": .array(operations.map(\.rawValue).sorted().map(JSONValue.string)),
            ],
            failurePolicy: failurePolicy, patience: patience,
            authority: try Data(contentsOf: URL(fileURLWithPath: certificates.authority)))
        try await server.kubectl(
            "create", "-f", "-", input: String(decoding: configuration.bytes, as: UTF8.self))
        try await eventually("the API server asks the webhook") { try await isAsked(registration) }
    }

    /// Has the API servers that ask this webhook ask it no more; returns when they really don't.
    ///
    /// - Throws: ``TestSupportError`` with what `kubectl` said, or when an API server still asks after 20 s.
    public func unregister() async throws {
        for registration in state.withLock({ $0.registrations }) {
            try await unregister(registration)
            try await eventually("the API server no longer asks the webhook") { try await !isAsked(registration) }
        }
    }

    func unregister(_ registration: Registration) async throws {
        try await registration.kubectl(
            "delete", registration.resource, registration.name, "--ignore-not-found", "--wait=false")
        state.withLock { $0.registrations.removeAll { $0.number == registration.number } }
    }

    private func isAsked(_ registration: Registration) async throws -> Bool {
        let path = registration.probePath
        let before = state.withLock { $0.probes[path] ?? 0 }
        try await registration.kubectl(
            "create", "configmap", registration.name, "-n", registration.namespace, "--dry-run=server")
        return state.withLock { $0.probes[path] ?? 0 } > before
    }

    struct Registration: Sendable {
        static let namespaceLabel = "kubernetes.io/metadata.name"
        static let probePath = "/probe/"

        let number: Int
        let port: Int
        let kind: Kind
        let namespace: String
        let kubectl: Kubectl

        var name: String { "isthmus-test-\(port)-\(number)" }
        var resource: String { "\(kind.rawValue.lowercased())webhookconfigurations" }
        var probePath: String { "\(Self.probePath)\(number)" }

        /// Both webhooks stand in one object, which the API server takes over as a whole.
        func configuration(
            rule: JSONValue, failurePolicy: FailurePolicy, patience: Duration, authority: Data
        ) -> JSONValue {
            let probe: JSONValue = [
                "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["CREATE"],
            ]
            func webhook(
                _ name: String, path: String, _ rule: JSONValue, _ failurePolicy: FailurePolicy
            ) -> JSONValue {
                [
                    "name": .string("\(name).isthmus.test"), "rules": [rule],
                    "failurePolicy": .string(failurePolicy.rawValue),
                    "clientConfig": [
                        "url": .string("https://127.0.0.1:\(port)\(path)"),
                        "caBundle": .string(authority.base64EncodedString()),
                    ],
                    "namespaceSelector": ["matchLabels": [Self.namespaceLabel: .string(namespace)]],
                    "timeoutSeconds": .integer(patience.components.seconds),
                    "sideEffects": "None", "admissionReviewVersions": ["v1"],
                ]
            }
            return [
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": .string("\(kind.rawValue)WebhookConfiguration"), "metadata": ["name": .string(name)],
                "webhooks": [
                    webhook("admission", path: "/admission", rule, failurePolicy),
                    webhook("probe", path: probePath, probe, .ignore),
                ],
            ]
        }
    }
}
