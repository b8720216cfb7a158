package import QrateMeasurement

/// ``QrateMeasurement/ProcessorUsage`` on the wire.
package struct WireProcessorUsage: Sendable, Equatable, Codable {
    /// Both or none of them.
    package var userSeconds: Double?
    package var systemSeconds: Double?
    /// Left out when the line would grow past its limit.
    package var threads: [Thread]?

    enum CodingKeys: String, CodingKey {
        case userSeconds = "user_s"
        case systemSeconds = "system_s"
        case threads
    }

    package struct Thread: Sendable, Equatable, Codable {
        package var name: String
        package var userSeconds: Double
        package var systemSeconds: Double
        package var elapsedMilliseconds: Double
        /// Absent is none.
        package var lookoutSeconds: Double?
        package var isShared: Bool?

        enum CodingKeys: String, CodingKey {
            case name
            case userSeconds = "user_s"
            case systemSeconds = "system_s"
            case elapsedMilliseconds = "elapsed_ms"
            case lookoutSeconds = "lookout_s"
            case isShared = "shared"
        }
    }

    package init(_ usage: ProcessorUsage) {
        userSeconds = usage.user?.seconds
        systemSeconds = usage.system?.seconds
        threads = usage.threads.isEmpty ? nil : usage.threads.map(Thread.init)
    }

    /// The peer's figures, safe to print.
    ///
    /// - Throws: ``ControlError/invalidField(field:reason:)`` for times that are none.
    package func usage() throws(ControlError) -> ProcessorUsage {
        let user = try Self.time(userSeconds, CodingKeys.userSeconds.rawValue)
        let system = try Self.time(systemSeconds, CodingKeys.systemSeconds.rawValue)
        var list: [ThreadUsage] = []
        for thread in threads ?? [] {
            do { list.append(try thread.usage()) } catch { throw error.inside("threads") }
        }
        // A half of the sum is none.
        let isWhole = user != nil && system != nil
        return ProcessorUsage(user: isWhole ? user : nil, system: isWhole ? system : nil, threads: list)
    }

    /// A thread per stream and direction at most.
    private static let mostThreads = 2 * TestParameters.streamLimits.upperBound

    func check() throws(ControlError) {
        guard threads?.count ?? 0 <= Self.mostThreads else {
            throw .invalidField(field: "threads", reason: "has more than \(Self.mostThreads) entries")
        }
        _ = try usage()
    }

    fileprivate static func time(_ seconds: Double?, _ field: String) throws(ControlError) -> Duration? {
        guard let seconds else { return nil }
        return try Duration(wireMilliseconds: seconds * 1000, field: field)
    }
}

extension WireProcessorUsage.Thread {
    /// In bytes. Ours have some 12.
    private static let longestName = 32

    init(_ usage: ThreadUsage) {
        name = usage.name
        userSeconds = usage.user.seconds
        systemSeconds = usage.system.seconds
        elapsedMilliseconds = usage.elapsed.milliseconds
        lookoutSeconds = usage.lookout > .zero ? usage.lookout.seconds : nil
        isShared = usage.isShared ? true : nil
    }

    func usage() throws(ControlError) -> ThreadUsage {
        ThreadUsage(
            name: printable(name, limit: Self.longestName),
            user: try WireProcessorUsage.time(userSeconds, CodingKeys.userSeconds.rawValue) ?? .zero,
            system: try WireProcessorUsage.time(systemSeconds, CodingKeys.systemSeconds.rawValue) ?? .zero,
            elapsed: try Duration(
                wireMilliseconds: elapsedMilliseconds, field: CodingKeys.elapsedMilliseconds.rawValue),
            lookout: try WireProcessorUsage.time(lookoutSeconds, CodingKeys.lookoutSeconds.rawValue) ?? .zero,
            isShared: isShared ?? false)
    }
}
