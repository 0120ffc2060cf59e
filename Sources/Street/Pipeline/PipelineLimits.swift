package import Catalog

/// How much the registries can make the bridge hold and deliver.
package struct PipelineLimits: Sendable, Hashable {
    /// Of each registry.
    package var catalog: CatalogLimits
    /// ServiceEntries and WorkloadEntries, as etcd has to store them.
    package var objects: Int

    package init(catalog: CatalogLimits = CatalogLimits(), objects: Int = 200_000) {
        self.catalog = catalog
        self.objects = objects
    }
}
