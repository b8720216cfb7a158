import QrateMeasurement
import QrateOrchestration
import QrateQUICCore
import QrateSecurity
import QrateSockets
import QrateTransportAPI
import QrateTransports
import Synchronization

/// Serves tests on one port, many clients at once. Raises the process's soft limit of open files to its hard one.
///
///     let server = try await TestServer.start(ServerConfiguration(port: 0)) { event in ... }
///     print(server.port)
///     await server.run()
public final class TestServer: Sendable {
    /// TCP's and UDP's number alike.
    public let port: UInt16
    private let server: SessionServer
    private let configuration: ServerConfiguration
    private let credentials: CurrentCredentials
    private let recording: Recording

    /// What a server tells about its clients.
    public enum Event: Sendable {
        case testStarted(Test)
        case testFinished(Test, Outcome)
        /// A client that came to no test, and why.
        case refused(peer: String, TestFailure)
    }

    public struct Test: Sendable, Hashable {
        public var id: String
        /// The client's address and port.
        public var peer: String
        /// The client's software, safe to print.
        public var software: String
        public var parameters: TestParameters
    }

    public struct Outcome: Sendable, Hashable {
        /// What this server received.
        public var upload: DirectionSummary?
        /// What the client says that it received.
        public var download: DirectionSummary?
        /// Present when the test ended before its planned end.
        public var failure: TestFailure?
    }

    /// Opens the port and begins to accept clients; ``run()`` serves them.
    ///
    /// - Parameter observe: Called from several tasks at once.
    public static func start(
        _ configuration: ServerConfiguration, _ observe: @escaping @Sendable (Event) -> Void = { _ in }
    ) async throws(TestFailure) -> TestServer {
        try configuration.validate()
        let loaded = await loadCredentials(configuration)
        let aead = await configuration.network.aead.library
        let recording = await DedicatedThread.run(name: "qrate-recording") {
            Result { () throws(TestFailure) in try Recording.open(configuration.recording, for: [.quic, .tls]) }
        }
        do {
            return try TestServer(configuration, try loaded.get(), try recording.get(), aead, observe)
        } catch let failure as TestFailure {
            throw failure
        } catch let error as TransportError {
            throw error.failure
        } catch let error as SecurityError {
            throw error.failure
        } catch {
            throw TestFailure(.failed, "\(error)")
        }
    }

    private init(
        _ configuration: ServerConfiguration, _ credentials: ServerCredentials, _ recording: Recording,
        _ aead: AEADLibrary, _ observe: @escaping @Sendable (Event) -> Void
    ) throws {
        self.configuration = configuration
        self.recording = recording
        DescriptorLimit.raise()
        let current = CurrentCredentials(credentials)
        var options = QUICListener.Options()
        options.demandsRetry = configuration.demandsRetry
        options.settings.idleTimeout = configuration.idleTimeout
        options.settings.aead = aead
        options.settings.eventLog = recording.qlog
        options.settings.keyLog = recording.keyLog
        let threads = configuration.threads ?? min(Processors.available, ConnectionIDSpace.counts.upperBound)
        let door = try FrontDoor.open(
            port: configuration.port, threads: threads, configuration.network.socketOptions)
        let quic = try QUICListener(on: door, options) { current.value }
        var streamOptions = StreamListener.Options()
        streamOptions.aead = aead
        streamOptions.keyLog = recording.keyLog
        let streams = try StreamListener(on: door, streamOptions) { current.value }
        let listener = ServerListener(port: door.port, [quic, streams])
        var limits = AdmissionControl.Limits()
        limits.tests = configuration.maxTests
        limits.duration = configuration.maxDuration
        limits.silence = configuration.idleTimeout
        limits.isOneOff = configuration.isOneOff
        port = listener.port
        self.credentials = current
        server = SessionServer(listener: listener, limits: limits, platform: .current) { observe(Event($0)) }
    }

    /// Serves until ``stop()``, or until the one test of a one-off server is over. Every thread has ended then.
    public func run() async {
        await server.run()
        _ = await recording.qlog?.close()
    }

    /// Ends the running tests in order, with partial results, and lets ``run()`` return. Idempotent.
    public func stop() { server.stop() }

    public var runningTests: Int { server.runningTests }

    // MARK: What is recorded

    /// What came of the qlog so far, all of it once ``run()`` has returned; nil without one.
    public var qlog: QlogReport? { recording.qlog?.report }

    /// Why secrets are missing from the key log; nil when none are, and without one.
    public var keyLogFailure: String? { recording.keyLog?.failure }

    // MARK: The certificate

    /// Of the certificate that clients see now: what they can pin, `sha256:` and 64 hexadecimal digits.
    public var fingerprint: String { credentials.value.identity.fingerprint.pin }

    /// What there is to say about the certificate: that it was made or renewed just now, or has expired.
    public var certificateNotice: String? { credentials.value.identity.notice }

    /// Reads the certificate and the clients' authorities anew, for new connections; running tests keep theirs. When any
    /// of it fails, all stays as it was.
    public func reloadCertificate() async throws(TestFailure) {
        do throws(SecurityError) {
            credentials.value = try await Self.loadCredentials(configuration).get()
        } catch {
            throw error.failure
        }
    }

    private static func loadCredentials(_ configuration: ServerConfiguration) async -> Result<
        ServerCredentials, SecurityError
    > {
        await DedicatedThread.run(name: "qrate-identity") {
            Result { () throws(SecurityError) in
                let clients = try configuration.clientAuthorities.map { file throws(SecurityError) in
                    try ClientAuthority.load(file: file)
                }
                let identity = try loadIdentity(configuration)
                return ServerCredentials(
                    identity, alternatives: xfrIdentity(configuration, beside: identity), clientAuthority: clients)
            }
        }
    }

    /// An xfr accepts P-256 and Ed25519 keys only: for another, the self-made certificate answers it. A server that can't keep one refuses xfrs in
    /// the handshake, and serves everybody else.
    private static func xfrIdentity(
        _ configuration: ServerConfiguration, beside identity: ServerIdentity
    ) -> [String: ServerIdentity] {
        guard !identity.keyKind.isKnownToXfr,
            let directory = try? StateDirectory.path(or: configuration.stateDirectory),
            let own = try? ServerIdentity.kept(in: directory)
        else { return [:] }
        return [QUICTransport.xfrProtocol: own]
    }

    private static func loadIdentity(_ configuration: ServerConfiguration) throws(SecurityError) -> ServerIdentity {
        if let files = configuration.certificate {
            return try ServerIdentity.load(chainFile: files.chain, keyFile: files.key)
        }
        return try ServerIdentity.kept(in: try StateDirectory.path(or: configuration.stateDirectory))
    }
}

/// What new connections get. Asked for on the endpoint's thread, replaced from elsewhere.
private final class CurrentCredentials: Sendable {
    private let slot: Mutex<ServerCredentials>

    init(_ credentials: ServerCredentials) { slot = Mutex(credentials) }

    var value: ServerCredentials {
        get { slot.withLock { $0 } }
        set { slot.withLock { $0 = newValue } }
    }
}

extension TestServer.Event {
    init(_ event: ServerEvent) {
        switch event {
        case .started(let test): self = .testStarted(TestServer.Test(test))
        case .finished(let test, let counts):
            self = .testFinished(
                TestServer.Test(test),
                TestServer.Outcome(upload: counts.upload, download: counts.download, failure: counts.failure))
        case .refused(let peer, let failure): self = .refused(peer: peer, failure)
        }
    }
}

extension TestServer.Test {
    init(_ test: ServedTest) {
        self.init(id: test.id, peer: test.peer, software: test.software, parameters: test.parameters)
    }
}
