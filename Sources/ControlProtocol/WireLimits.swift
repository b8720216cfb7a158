package import QrateMeasurement

/// ``QrateMeasurement/LimitShares`` on the wire: milliseconds by cause. Absent is "can't be told by that end".
package struct WireLimits: Sendable, Equatable, Codable {
    package var congestionWindow: Double?
    package var pacing: Double?
    package var flowControl: Double?
    package var targetBitrate: Double?
    package var application: Double?
    package var socketBuffer: Double?
    package var cpu: Double?
    package var idle: Double?

    enum CodingKeys: String, CodingKey {
        case congestionWindow = "congestion_window_ms"
        case pacing = "pacing_ms"
        case flowControl = "flow_control_ms"
        case targetBitrate = "target_bitrate_ms"
        case application = "application_ms"
        case socketBuffer = "socket_buffer_ms"
        case cpu = "cpu_ms"
        case idle = "idle_ms"
    }

    package init() {}

    package init(_ shares: LimitShares) {
        for cause in LimitCause.allCases { self[keyPath: Self.field(cause)] = shares[cause]?.milliseconds }
    }

    /// - Throws: ``ControlError/invalidField(field:reason:)`` for times that are none.
    package func shares() throws(ControlError) -> LimitShares {
        var times: [LimitCause: Duration] = [:]
        for cause in LimitCause.allCases {
            guard let milliseconds = self[keyPath: Self.field(cause)] else { continue }
            times[cause] = try Duration(wireMilliseconds: milliseconds, field: "limits.\(cause.rawValue)_ms")
        }
        return LimitShares(times)
    }

    private static func field(_ cause: LimitCause) -> WritableKeyPath<WireLimits, Double?> {
        switch cause {
        case .congestionWindow: \.congestionWindow
        case .pacing: \.pacing
        case .flowControl: \.flowControl
        case .targetBitrate: \.targetBitrate
        case .application: \.application
        case .socketBuffer: \.socketBuffer
        case .cpu: \.cpu
        case .idle: \.idle
        }
    }
}
