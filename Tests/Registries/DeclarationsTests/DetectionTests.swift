import Settings
import Sources
import Testing

@testable import Declarations

@Suite("detection of conventions")
struct DetectionTests {
    @Test("each recorded layout is recognised by its entries alone", arguments: RecordedConvention.all)
    func recognised(_ convention: RecordedConvention) throws {
        let declaration = try convention.declaration()
        guard Declaration.presets.contains(declaration) else { return }
        let found = Detection.conventions(of: try convention.entries(), servers: ["a:1"])
        let first = try #require(found.first)
        #expect(first.name == declaration.name)
        // What is printed can be used, and finds the same.
        let text = first.configuration.joined(separator: "\n")
        let section = try ConfigurationSection(text, file: "printed")
        let layouts = try DeclaredLayout.layouts(section, "layouts")
        #expect(layouts.first?.declaration == declaration)
        #expect(try section.strings("servers") == ["a:1"])
        let beginnings = layouts.beginnings
        #expect(first.samples.allSatisfy { sample in beginnings.contains { sample.hasPrefix($0) } })
    }

    @Test("several conventions beside each other are told apart, with counts and samples")
    func several() throws {
        let names = ["kratos-etcd", "go-zero-etcd", "coredns-skydns-etcd"]
        let entries = try RecordedConvention.all.filter { names.contains($0.name) }.flatMap { try $0.entries() }
        let found = Detection.conventions(of: entries, servers: [])
        #expect(Set(found.map(\.name)) == ["kratos", "go-zero", "skydns"])
        let goZero = try #require(found.first { $0.name == "go-zero" })
        #expect(goZero.services == 2 && goZero.instances == 3)
        #expect(goZero.configuration.last == #"  - { preset: go-zero, prefixes: ["shop/", "user.rpc/"] }"#)
        #expect(goZero.samples.count == 3)
    }

    @Test("what is none is not found")
    func none() {
        let entries = ["/a", "/zookeeper/quota", "/registry/pods/x"].map { DeclaredEntry(key: $0, value: [0, 1, 2]) }
        #expect(Detection.conventions(of: entries, servers: []).isEmpty)
    }
}
