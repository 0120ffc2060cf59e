package import Catalog

/// How much the registries can make the bridge hold and deliver.
package struct PipelineLimits: Sendable, Hashable {
    /// Of each registry.
    package var catalog: CatalogLimits
    /// ServiceEntries and WorkloadEntries, each of which the API server has to store.
    package var objects: Int

    package init(catalog: CatalogLimits = CatalogLimits(), objects: Int = 200_000) {
        self.catalog = catalog
        self.objects = objects
    }
}
