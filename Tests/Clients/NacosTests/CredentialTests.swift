internal import Concurrency
internal import IsthmusTesting
internal import Synchronization
internal import Testing

@testable internal import Nacos

@Suite("Digests, signatures and logins")
struct CredentialTests {
    @Test(
        "MD5 is that of RFC 1321",
        arguments: [
            "": "d41d8cd98f00b204e9800998ecf8427e", "abc": "900150983cd24fb0d6963f7d28e17f72",
            "12345678901234567890123456789012345678901234567890123456789012345678901234567890":
                "57edf4a22be3c955ac49da2e2107b67a",
            "k: v\n": "d92dab21244fc16bf8b1a5c2008eeb91",
        ])
    func md5(text: String, digest: String) {
        #expect(MD5.hex(of: text.utf8) == digest)
    }

    @Test("every length around a block has its padding")
    func padding() {
        #expect(Set((50...130).map { MD5.hex(of: Array(repeating: 0x61, count: $0)) }).count == 81)
        #expect(MD5.hex(of: Array(repeating: UInt8(ascii: "a"), count: 55)) == "ef1772b6dff9a122358552954ad0df65")
        #expect(MD5.hex(of: Array(repeating: UInt8(ascii: "a"), count: 56)) == "3b0c8ac703f828b04c6c197006d17218")
        #expect(MD5.hex(of: Array(repeating: UInt8(ascii: "a"), count: 64)) == "014842d480b571495a4a0363793f7367")
    }

    @Test("HMAC-SHA1 is that of RFC 2202")
    func hmac() {
        func code(_ key: [UInt8], _ text: String) -> String {
            SHA1.authenticationCode(of: Array(text.utf8), key: key).map { byte in
                String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
            }.joined()
        }
        #expect(code(Array(repeating: 0x0B, count: 20), "Hi There") == "b617318655057264e28bc0b6fb378c8ef146be00")
        #expect(code(Array("Jefe".utf8), "what do ya want for nothing?") == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
        #expect(
            code(Array(repeating: 0xAA, count: 80), "Test Using Larger Than Block-Size Key - Hash Key First")
                == "aa4ae5e15272d00e95705637ce8a3b55ed402112")
    }

    @Test("an access key signs the service and the time, or the configuration and the time")
    func signatures() {
        let signature = Signature(accessKey: "ak", secretKey: "secret")
        let naming = signature.naming(ServiceKey(name: "orders"), milliseconds: 1_700_000_000_000)
        #expect(naming["ak"] == "ak")
        #expect(naming["data"] == "1700000000000@@DEFAULT_GROUP@@orders")
        #expect(naming["signature"]?.count == 28)
        let config = signature.config(namespace: "t", group: "g", milliseconds: 1)
        #expect(config["Timestamp"] == "1")
        #expect(
            config["Spas-Signature"] != signature.config(namespace: "t", group: "h", milliseconds: 1)["Spas-Signature"])
        let request = NacosRequest.subscribe(ServiceKey(name: "orders"), namespace: "public")
        let headers = CallCredentials(signature: signature).headers(for: request, milliseconds: 1_700_000_000_000)
        #expect(headers == naming)
        #expect(CallCredentials(token: "t").headers(for: request, milliseconds: 0) == ["accessToken": "t"])
        #expect(CallCredentials().headers(for: request, milliseconds: 0).isEmpty)
    }

    // MARK: Logins

    /// Counts logins, each of which gives another token.
    private final class Counter: Sendable {
        private let count = Mutex(0)
        var value: Int { count.withLock { $0 } }

        func next() -> Int {
            count.withLock { count in
                count += 1
                return count
            }
        }
    }

    private static let server = MachineDriver.server

    @Test("a token is renewed in the last tenth of its life, and not before")
    func renewal() async throws {
        let clock = ManualClock()
        let logins = Counter()
        let login = Login(stopwatch: Stopwatch(clock)) { _ in
            AccessToken(text: "token \(logins.next())", lifetime: .seconds(100))
        }
        #expect(try await login.current(Self.server) == "token 1")
        clock.advance(by: .seconds(89))
        #expect(try await login.current(Self.server) == "token 1")
        clock.advance(by: .seconds(2))
        #expect(try await login.current(Self.server) == "token 2")
    }

    @Test("a refused token leads to one login in a minute, however many requests were refused")
    func forced() async throws {
        let clock = ManualClock()
        let logins = Counter()
        let login = Login(stopwatch: Stopwatch(clock)) { _ in
            AccessToken(text: "token \(logins.next())", lifetime: .seconds(18_000))
        }
        _ = try await login.current(Self.server)
        #expect(await login.renew(after: "token 1", Self.server))
        #expect(await login.renew(after: "token 1", Self.server))
        #expect(await login.renew(after: "token 2", Self.server) == false)
        #expect(logins.value == 2)
        clock.advance(by: .seconds(61))
        #expect(await login.renew(after: "token 2", Self.server))
        #expect(logins.value == 3)
    }

    @Test("a wrong password is not tried for each request, and a good token outlives a failed renewal")
    func failures() async throws {
        let clock = ManualClock()
        let logins = Counter()
        let wrong = Login(stopwatch: Stopwatch(clock)) { (_) throws(NacosError) in
            _ = logins.next()
            throw NacosError(.forbidden)
        }
        for _ in 0..<10 {
            await #expect(throws: NacosError.self) { try await wrong.current(Self.server) }
        }
        #expect(logins.value == 1)
        clock.advance(by: .seconds(61))
        await #expect(throws: NacosError.self) { try await wrong.current(Self.server) }
        #expect(logins.value == 2)

        let passing = Login(stopwatch: Stopwatch(clock)) { (_) throws(NacosError) in
            if logins.next() > 3 { throw NacosError(.disconnected) }
            return AccessToken(text: "good", lifetime: .seconds(10))
        }
        #expect(try await passing.current(Self.server) == "good")
        clock.advance(by: .seconds(9))
        #expect(try await passing.current(Self.server) == "good")
    }

    @Test("no description of a configuration shows a secret")
    func secrets() {
        var configuration = NacosClient.Configuration()
        configuration.credentials = .password(user: "nacos", password: { "geheim" })
        var text = ""
        dump(configuration, to: &text)
        #expect(!"\(configuration) \(text)".contains("geheim"))
    }
}
