import QrateMeasurement

/// What an end recorded beside measuring.
struct RecordingDocument: Encodable {
    var qlog: Bool
    var keyLog: Bool

    enum CodingKeys: String, CodingKey {
        case qlog
        case keyLog = "key_log"
    }

    init(_ recording: RecordingSettings) {
        qlog = recording.qlog
        keyLog = recording.keyLog
    }
}

/// The client's qlog: where it is, and what it came to.
struct QlogDocument: Encodable {
    var directory: String
    var files: Int
    var bytes: UInt64
    var events: UInt64
    var droppedEvents: UInt64
    var writerCPUMilliseconds: Double

    enum CodingKeys: String, CodingKey {
        case directory, files, bytes, events
        case droppedEvents = "dropped_events"
        case writerCPUMilliseconds = "writer_cpu_ms"
    }

    init(_ report: QlogReport) {
        directory = PrintableText.clean(report.directory)
        files = report.files
        bytes = report.bytes.bytes
        events = report.events
        droppedEvents = report.droppedEvents
        writerCPUMilliseconds = report.writerCPU.jsonMilliseconds
    }
}
