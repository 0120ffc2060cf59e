package import Catalog
package import Deliveries
internal import IstioAPI
package import Pipeline
package import Publishing
package import Sources
package import Translation

/// What the operator wants, checked and complete.
package struct BridgeConfiguration: Sendable {
    package struct Registry: Sendable {
        package var name: String
        package var settings: any RegistrySettings
        /// Its services are other services than those of the same name in registries of another scope, or of none.
        package var scope: String?

        package init(name: String, settings: any RegistrySettings, scope: String? = nil) {
            self.name = name
            self.settings = settings
            self.scope = scope
        }
    }

    /// A place where operators publish objects.
    package struct ConfigurationCentre: Sendable {
        package var name: String
        package var settings: any ConfigurationSettings
        package var policy: PublicationPolicy

        package init(name: String, settings: any ConfigurationSettings, policy: PublicationPolicy) {
            self.name = name
            self.settings = settings
            self.policy = policy
        }
    }

    package var registries: [Registry]
    package var configurations: [ConfigurationCentre] = []
    package var translation: TranslationPolicy
    /// What is taken for a failure of a registry.
    package var removals = GuardPolicy()
    /// What the registries can make the bridge hold and deliver.
    package var limits = PipelineLimits()
    /// `nil` where nobody else writes to where this installation writes.
    package var leadership: LeadershipTimes? = LeadershipTimes()
    package var deliveries: [any DeliverySettings]
    /// A file for what must survive a restart; `nil` for none.
    package var statePath: String?
    /// `nil` for a bridge that answers nobody.
    package var admin: Admin?

    package init(
        registries: [Registry], translation: TranslationPolicy, removals: GuardPolicy = GuardPolicy(),
        leadership: LeadershipTimes? = LeadershipTimes(), deliveries: [any DeliverySettings],
        statePath: String? = nil, admin: Admin? = nil
    ) {
        self.registries = registries
        self.translation = translation
        self.removals = removals
        self.leadership = leadership
        self.deliveries = deliveries
        self.statePath = statePath
        self.admin = admin
    }
}

extension BridgeConfiguration {
    /// What it says without effect.
    package var warnings: [String] {
        translation.mesh == .ambient && !translation.exportTo.isEmpty
            ? ["'translation.exportTo' has no effect with 'mesh: ambient': ztunnels see the services of all namespaces"]
            : []
    }
}
