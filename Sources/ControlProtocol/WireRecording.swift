package import QrateMeasurement

/// ``QrateMeasurement/RecordingSettings`` on the wire.
package struct WireRecording: Sendable, Equatable, Codable {
    package var qlog: Bool?
    package var keyLog: Bool?

    enum CodingKeys: String, CodingKey {
        case qlog
        case keyLog = "key_log"
    }

    package init(_ recording: RecordingSettings) {
        qlog = recording.qlog
        keyLog = recording.keyLog
    }

    package var settings: RecordingSettings? { RecordingSettings(qlog: qlog == true, keyLog: keyLog == true) }
}
