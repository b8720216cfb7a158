import QrateDatagramProtocol
import QrateMeasurement
import QrateSockets
import QrateTransportAPI

/// A way of its own for a series of probes. Belongs to one thread; nothing here blocks.
protocol ProbeLink {
    var descriptor: Int32 { get }
    /// Nothing once the link is gone: its probes are lost.
    var interest: SocketPoll.Ready { get }
    mutating func send(_ probe: [UInt8])
    /// Sends on what there was no room for, and hands over what came.
    mutating func turn(_ ready: SocketPoll.Ready, _ take: (UnsafeRawBufferPointer) -> Void)
}

/// A thread that does nothing but send probes when they are due and take their answers, so that neither waits for
/// anything else in this process.
struct ProbeThread {
    let series: ProbeSeries
    /// Opens when the series is closed and the thread has let its link go.
    let hasEnded = Latch()

    init(_ token: FlowToken, _ makeLink: @escaping @Sendable () -> any ProbeLink) throws(TransportError) {
        let wakeUp: WakeUp
        do throws(SocketError) {
            wakeUp = try WakeUp()
        } catch {
            throw TransportError(.failed, "cannot measure latency: \(error)", code: Int64(error.code))
        }
        let series = ProbeSeries(token) { wakeUp.signal() }
        self.series = series
        DedicatedThread(name: "qrate-probe") { [hasEnded] in
            Self.run(series, wakeUp, makeLink())
            hasEnded.open()
        }.detach()
    }

    private static func run(_ series: ProbeSeries, _ wakeUp: WakeUp, _ made: any ProbeLink) {
        SocketPoll.sharpenTimers()
        var link = made
        while !series.isClosed {
            let now = MonotonicClock.now()
            for probe in series.pollDue(now: now) { link.send(probe) }
            series.check(now)
            let deadline = series.deadline()
            let interest = link.interest
            var entries = [StreamPoll.Entry(interest.isEmpty ? -1 : link.descriptor, interest)]
            StreamPoll.wait(
                for: &entries, wakeUp,
                nanoseconds: deadline == .never ? nil : (deadline - MonotonicClock.now()).nanoseconds)
            guard let ready = entries.first?.ready, !ready.isEmpty else { continue }
            link.turn(ready) { series.handle($0, at: MonotonicClock.now()) }
        }
    }
}
