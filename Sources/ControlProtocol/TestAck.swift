package import QrateMeasurement

/// The server takes the test.
package struct TestAck: Sendable, Equatable, Codable {
    package var id: String
    /// One per stream, or none where the data comes to the control connection's port.
    package var dataPorts: [UInt16]
    /// UDP without ports: what each flow's first datagram shows, 32 hexadecimal digits.
    package var udpToken: String?
    package var qrate: Extension?

    enum CodingKeys: String, CodingKey {
        case id
        case dataPorts = "data_ports"
        case udpToken = "udp_token"
        case qrate
    }

    /// What qrate servers add.
    package struct Extension: Sendable, Equatable, Codable {
        package var settings: WireSettings?
        /// QUIC: for the Initial packets of the data connections, hexadecimal.
        package var connectionToken: String?
        /// What latency probes show, 32 hexadecimal digits, where the test asked for them.
        package var probeToken: String?
        package var platform: WirePlatform?

        enum CodingKeys: String, CodingKey {
            case settings, platform
            case connectionToken = "connection_token"
            case probeToken = "probe_token"
        }

        package init(
            settings: WireSettings?, connectionToken: String? = nil, probeToken: String? = nil,
            platform: WirePlatform? = nil
        ) {
            self.settings = settings
            self.platform = platform
            self.connectionToken = connectionToken
            self.probeToken = probeToken
        }
    }

    package init(id: String, dataPorts: [UInt16], udpToken: String? = nil, qrate: Extension? = nil) {
        self.id = id
        self.dataPorts = dataPorts
        self.udpToken = udpToken
        self.qrate = qrate
    }
}

/// The first line of a connection for latency probes, over TCP and TLS.
package struct ProbeHello: Sendable, Equatable, Codable {
    /// `test_ack`'s `probe_token`.
    package var token: String

    package init(token: String) { self.token = token }
}

/// The first line of a TCP data connection.
package struct DataHello: Sendable, Equatable, Codable {
    package var testID: String
    package var streamIndex: UInt16

    enum CodingKeys: String, CodingKey {
        case testID = "test_id"
        case streamIndex = "stream_index"
    }

    package init(testID: String, streamIndex: UInt16) {
        self.testID = testID
        self.streamIndex = streamIndex
    }
}

extension TestAck {
    func check() throws(ControlError) {
        let most = TestParameters.streamLimits.upperBound
        guard dataPorts.count <= most else {
            throw .invalidField(
                field: "test_ack.data_ports",
                reason: "has \(dataPorts.count) entries, more than the \(most) streams of a test")
        }
        if let udpToken {
            guard dataPorts.isEmpty else {
                throw .invalidField(field: "test_ack.udp_token", reason: "stands beside data ports, which exclude it")
            }
            guard udpToken.utf8.count == 32, Self.isHexadecimal(udpToken) else {
                throw .invalidField(field: "test_ack.udp_token", reason: "must be 32 hexadecimal digits")
            }
        }
        if let token = qrate?.probeToken {
            guard token.utf8.count == 32, Self.isHexadecimal(token) else {
                throw .invalidField(field: "test_ack.qrate.probe_token", reason: "must be 32 hexadecimal digits")
            }
        }
        if let token = qrate?.connectionToken {
            let lengths = 2...Self.longestConnectionToken
            guard lengths.contains(token.utf8.count), token.utf8.count.isMultiple(of: 2), Self.isHexadecimal(token)
            else {
                throw .invalidField(
                    field: "test_ack.qrate.connection_token",
                    reason: "must be an even number of hexadecimal digits, \(lengths.upperBound) at most")
            }
        }
    }

    /// Whether a client can find the way of the data from this (xfr's rules).
    ///
    /// - Throws: ``ControlError/invalidField(field:reason:)``.
    package func check(for parameters: TestParameters, from server: PeerProtocol) throws(ControlError) {
        guard !parameters.measuresLatency || qrate?.probeToken != nil else {
            throw .invalidField(
                field: "test_ack.qrate.probe_token", reason: "is missing, and the test is to measure latency")
        }
        guard dataPorts.isEmpty || dataPorts.count == parameters.streams else {
            throw .invalidField(
                field: "test_ack.data_ports",
                reason: "has \(dataPorts.count) entries for \(parameters.streams) streams")
        }
        guard dataPorts.isEmpty else { return }
        switch parameters.transport {
        case .quic: break
        case .tcp, .tls:
            guard server.announces(Capability.singlePortTCP) else {
                throw .invalidField(
                    field: "test_ack.data_ports", reason: "is empty, and the server announced no single_port_tcp")
            }
        case .udp:
            guard server.announces(Capability.singlePortUDP), udpToken != nil else {
                throw .invalidField(
                    field: "test_ack.data_ports", reason: "is empty, and there is no token or no single_port_udp_v1")
            }
        }
    }

    /// In digits: a token has to fit into an Initial packet of 1200 bytes, beside the ClientHello's beginning.
    private static let longestConnectionToken = 1024

    private static func isHexadecimal(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.isASCII && $0.properties.isASCIIHexDigit }
    }
}
