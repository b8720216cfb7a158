import QrateMeasurement

/// The processor time that each end used for the test.
struct ProcessorDocument: Encodable {
    var client: End?
    var server: End?

    struct End: Encodable {
        var user: Double?
        var system: Double?
        var perGigabyte: Double?
        var threads: [Thread]?

        enum CodingKeys: String, CodingKey {
            case user = "user_s"
            case system = "system_s"
            case perGigabyte = "per_gigabyte_s"
            case threads
        }

        init?(_ usage: ProcessorUsage?, payload: ByteCount?) {
            guard let usage else { return nil }
            user = usage.user?.jsonSeconds
            system = usage.system?.jsonSeconds
            perGigabyte = payload.flatMap { usage.perGigabyte(of: $0) }?.jsonSeconds
            threads = usage.threads.isEmpty ? nil : usage.threads.map(Thread.init)
        }
    }

    struct Thread: Encodable {
        var name: String
        var user: Double
        var system: Double
        var elapsedMilliseconds: Double
        var busyPercent: Double?
        var lookout: Double?
        var isShared: Bool?

        enum CodingKeys: String, CodingKey {
            case name
            case user = "user_s"
            case system = "system_s"
            case elapsedMilliseconds = "elapsed_ms"
            case busyPercent = "busy_percent"
            case lookout = "lookout_s"
            case isShared = "shared"
        }

        init(_ usage: ThreadUsage) {
            name = PrintableText.clean(usage.name)
            user = usage.user.jsonSeconds
            system = usage.system.jsonSeconds
            elapsedMilliseconds = usage.elapsed.jsonMilliseconds
            busyPercent = usage.busyShare.map { ($0 * 10_000).rounded() / 100 }
            lookout = usage.lookout > .zero ? usage.lookout.jsonSeconds : nil
            isShared = usage.isShared ? true : nil
        }
    }

    /// nil when neither end told: there is no object then.
    init?(_ report: TestReport) {
        let payload = report.receivedInAll
        client = End(report.client.cpu, payload: payload)
        server = End(report.server?.cpu, payload: payload)
        if client == nil, server == nil { return nil }
    }
}
