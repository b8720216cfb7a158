import QrateMeasurement

/// Every time and bound that orchestration decides by. Wire formats have theirs in ControlProtocol.
package enum Tunables {
    /// Server: from a session's start to a whole `hello`. A client sends it at once, so seconds mean a port scanner.
    package static let firstLine = Duration.seconds(5)
    /// Either end: a handshake message that the peer owes. What xfr's servers allow, too.
    package static let reply = Duration.seconds(30)
    /// Either end: silence of the peer while payload should move. An interval row breaks it, so the time between
    /// two rows comes in addition.
    package static let idle = Duration.seconds(30)
    /// The receiver: from the sender's last word (or the planned end) to the end of every stream. At 1 Mbit/s this
    /// empties 1.2 MB of buffers; what takes longer is reported as missing, not waited for.
    package static let drain = Duration.seconds(10)
    /// On top of ``drain``, for the end that waits for the other one's drain: a message's way, and a slow scheduler.
    package static let margin = Duration.seconds(5)
    /// Client: from `cancel` to the partial result. A person who pressed ctrl-C waits for it.
    package static let cancelGrace = Duration.seconds(3)
    /// Client: how long a download's row waits for the server's view of the path, so that both appear in one line.
    package static let rowPath = Duration.milliseconds(250)
    /// Server: the time between `interval` messages to a client that isn't qrate. xfr's own value.
    package static let interval = Duration.seconds(1)
    /// Server: the rows that such a client's messages are put together from, whose seconds begin with its test and not
    /// with its first byte.
    package static let foreignRow = TestParameters.shortestInterval
    /// Server: how much earlier than planned a second may be over for a timer.
    package static let tickSlack = Duration.milliseconds(20)
    /// Either end, with a peer that doesn't mark the end of its datagrams: how long the last of them are waited for.
    /// xfr's own value.
    package static let datagramDrain = Duration.milliseconds(250)
    /// Server: from the planned end of such a client's test to the end of its streams. It counts from a moment of its own,
    /// later than ours by its connecting.
    package static let foreignDrain = Duration.seconds(1)
    /// Either end: the longest pause.
    package static let longestPause = TestParameters.longestTest
    /// Client: how long an answer is waited for without which it can do: the server's, to what it has used itself.
    package static let sideAnswer = Duration.seconds(5)
    /// Client: how often a server is asked for its processor time, so that it doesn't take a long measurement for silence.
    package static let signOfLife = Duration.seconds(10)
    /// Server: from its last message to the client's closing. Closing first could drop that message from the queue.
    package static let linger = Duration.seconds(3)
    /// Server: from the order to stop to the end of the last session; ``linger`` fits in twice.
    package static let shutdown = Duration.seconds(6)

    /// Client: a thread that was at work for more of its time than this may be what limited the test.
    package static let cpuBoundShare = 0.9
    /// Client: shares of a shorter time say nothing.
    package static let shortestShare = Duration.milliseconds(100)
    /// Either end: a change of the wall clock against the monotonic one that is worth a warning. Reading both takes less than
    /// a microsecond, and no step that a time service makes is smaller.
    package static let clockStep = Duration.milliseconds(10)
    /// The share of the measured window that a rate may take to rise before the mean is said to be too low.
    package static let longestRise = 0.2

    /// Rows that a report keeps: an hour, the longest test, has 36,000 at the shortest interval. Later ones are shown,
    /// not kept, so that a server cannot fill the client's memory.
    package static let mostRows = 40_000
    /// Server: sessions that may be open beyond those with a test. A busy site's clients and a scan fit in. A session that
    /// waits costs up to about 0.2 MB (docs/PERFORMANCE.md).
    package static let mostWaitingSessions = 1000
    /// Control messages that wait to be sent. A peer that lets them pile up does not read.
    package static let mostQueuedMessages = 256
}
