import QrateMeasurement
import QrateSockets
import QrateTransportAPI

/// One sending thread: writes payload into one stream until time, budget or patience is used up.
struct SendLoop {
    let stream: DataStream
    let control: SendControl
    let payload: PayloadBlock
    /// Payload of one write.
    let unit: Int
    let usesZeroCopy: Bool
    let budget: ByteBudget?
    var bucket: TokenBucket?
    private var cursor: PayloadCursor
    private var limits: LimitTeller

    init(
        stream: DataStream, control: SendControl, payload: PayloadBlock, unit: Int, usesZeroCopy: Bool,
        budget: ByteBudget?, bucket: TokenBucket?
    ) {
        self.stream = stream
        self.control = control
        self.payload = payload
        self.unit = unit
        self.usesZeroCopy = usesZeroCopy
        self.budget = budget
        self.bucket = bucket
        cursor = PayloadCursor(unit: unit)
        limits = LimitTeller(stream.limits)
    }

    enum Ending {
        /// The time was up or the budget used up, or sending was ended early.
        case done(SendEnd)
        case failed(TransportError)
    }

    /// Blocks until the stream has had its share. Leaves the stream's end to the caller.
    mutating func run() -> Ending {
        if bucket != nil { SocketPoll.sharpenTimers() }
        /// Taken out of the budget for a write that found no room.
        var pending = 0
        defer {
            if pending > 0 { budget?.giveBack(pending) }
            limits.limit(by: .idle, at: MonotonicClock.now())
        }
        while true {
            if control.endSending.isRaised { return .done(control.end ?? .abort) }
            if control.isPaused {
                limits.limit(by: nil, at: MonotonicClock.now())
                control.waitForPauseToEnd()
                bucket?.skip(to: MonotonicClock.now())
                continue
            }
            let now = MonotonicClock.now()
            limits.limit(by: .cpu, at: now)
            let deadline = control.deadline
            if now >= deadline { return .done(.finish) }
            var count = pending > 0 ? pending : unit
            if pending == 0, bucket != nil {
                count = min(count, allowed(at: now, until: deadline))
                if count == 0 { continue }
            }
            if pending == 0, let budget {
                count = budget.take(count)
                if count == 0 { return .done(.finish) }
            }
            pending = 0
            do throws(TransportError) {
                let offset = cursor.offset(for: count)
                switch try stream.bytes.write(payload, at: offset, count: count, usesZeroCopy: usesZeroCopy) {
                case .bytes(let taken):
                    cursor.took(taken)
                    stream.took(taken)
                    bucket?.take(taken)
                    if taken < count { budget?.giveBack(count - taken) }
                case .wouldBlock:
                    pending = count
                    limits.limit(by: .congestionWindow, at: now)  // what the kernel says itself is told from it later
                    _ = StreamPoll.wait(
                        for: .writable, on: stream.bytes.socket.descriptor, control.endSending,
                        nanoseconds: deadline == .never ? nil : (deadline - now).nanoseconds)
                }
            } catch {
                pending = count
                return .failed(error)
            }
        }
    }

    /// What pacing lets through now; 0 after a wait for it.
    private mutating func allowed(at now: MonotonicTime, until deadline: MonotonicTime) -> Int {
        guard var bucket else { return unit }
        defer { self.bucket = bucket }
        let count = bucket.available(at: now)
        if count >= bucket.burst { return count }
        let due = min(bucket.time(for: bucket.burst), deadline)
        // With more than one burst waiting in the kernel, it isn't the pace that holds them back.
        let isKernelBehind = (stream.bytes.socket.unsent ?? 0) > bucket.burst
        limits.limit(by: isKernelBehind ? .congestionWindow : .targetBitrate, at: now)
        _ = StreamPoll.wait(
            for: [], on: nil, control.endSending, nanoseconds: due == .never ? nil : (due - now).nanoseconds)
        return 0
    }
}
