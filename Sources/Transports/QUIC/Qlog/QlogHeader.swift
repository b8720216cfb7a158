import Glibc
import QrateMeasurement
import QrateQUICCore

/// The first record of a qlog in JSON-SEQ (draft-ietf-quic-qlog-main-schema, "0.3").
enum QlogHeader {
    /// - Parameter original: The connection, which begins now: events have their times from this moment.
    static func text(_ original: ConnectionID, _ role: Role) -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let milliseconds = fixedPoint(Double(now.tv_sec) * 1000 + Double(now.tv_nsec) / 1_000_000, decimals: 3)
        // Nothing in it needs escaping: hexadecimal digits, and words of ours.
        return "\u{1e}"
            + #"{"qlog_version":"0.3","qlog_format":"JSON-SEQ","title":"qrate \#(role.rawValue), connection \#(original)","#
            + #""trace":{"vantage_point":{"name":"qrate \#(QrateVersion.number)","type":"\#(role.rawValue)"},"#
            + #""common_fields":{"ODCID":"\#(original)","group_id":"\#(original)","protocol_type":["QUIC"],"#
            + #""time_format":"relative","reference_time":\#(milliseconds)}}}"# + "\n"
    }
}
