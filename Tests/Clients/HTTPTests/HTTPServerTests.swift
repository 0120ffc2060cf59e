import HTTP
import Testing

@Suite("servers by URL")
struct HTTPServerTests {
    @Test("scheme, host, port and path are taken, and the path ends without a slash")
    func urls() {
        let server = HTTPServer(url: "http://eureka-1:8761/eureka/")
        #expect(server?.description == "http://eureka-1:8761/eureka")
        #expect(server?.isSecure == false)
        #expect(HTTPServer(url: "https://eureka")?.description == "https://eureka:443")
        #expect(HTTPServer(url: "http://[fd00::1]:80")?.url == "http://[fd00::1]:80")
        #expect(HTTPServer(url: "http://a", defaultPort: 8500)?.url == "http://a:8500")
        #expect(HTTPServer(url: "https://10.0.0.1:8501")?.url(serverName: "consul") == "https://consul:8501")
    }

    @Test(
        "a user, a query, a fragment and other schemes are no part of it",
        arguments: ["http://u:p@a", "http://a?b", "http://a#b", "ftp://a", "a:80", "http://", "http://a b"])
    func others(url: String) {
        #expect(HTTPServer(url: url) == nil)
    }
}
