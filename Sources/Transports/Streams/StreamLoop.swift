import QrateMeasurement
import QrateSockets
import Synchronization

/// A thread with the control connections of a server, or with the one of a client's session, and with what has connected
/// to a server and is not told apart yet. Payload never passes through it.
final class StreamLoop: Sendable {
    typealias Work = @Sendable (StreamLoopTurn) -> Void

    private let mailbox = Mutex(Mailbox())
    private let wakeUp: WakeUp

    private struct Mailbox {
        var work: [Work] = []
        var isStopping = false
        var hasEnded = false
    }

    /// Opens when the thread has let everything go.
    private let hasEnded = Latch()

    /// Starts the thread.
    init(name: String) throws(SocketError) {
        wakeUp = try WakeUp()
        DedicatedThread(name: name) { [self] in
            StreamLoopTurn().run(wakeUp) { takeWork() }
            let dropped = mailbox.withLock { box in
                defer { box.work = [] }
                box.hasEnded = true
                return box.work
            }
            _ = consume dropped  // released outside the lock: answers nil to those who asked
            hasEnded.open()
        }.detach()
    }

    /// Runs `work` on the thread, soon. Dropped once the loop stops.
    func post(_ work: @escaping Work) {
        let isAccepted = mailbox.withLock { box in
            guard !box.isStopping else { return false }
            box.work.append(work)
            return true
        }
        if isAccepted { wakeUp.signal() }
    }

    /// Runs `body` on the thread and waits for what it gives; nil when the loop has stopped.
    func ask<Answer: Sendable>(_ body: @escaping @Sendable (StreamLoopTurn) -> Answer) async -> Answer? {
        await withCheckedContinuation { continuation in
            let reply = OneReply(continuation)
            post { reply.give(body($0)) }
            // Where the work is dropped, `reply` goes away unanswered, which answers nil.
        }
    }

    /// Lets every connection go and ends the thread. Returns when it has ended.
    func stop() async {
        mailbox.withLock { $0.isStopping = true }
        wakeUp.signal()
        await hasEnded.wait()
    }

    private func takeWork() -> (work: [Work], isStopping: Bool) {
        mailbox.withLock { box in
            defer { box.work = [] }
            return (box.work, box.isStopping)
        }
    }
}

/// Something with a socket that lives on a ``StreamLoop``. Touched by the loop's thread alone.
protocol StreamLoopMember: AnyObject {
    /// Open as long as the member is held.
    var descriptor: Int32 { get }
    /// What to wait for; nothing leaves it to the deadline.
    var interest: SocketPoll.Ready { get }
    /// When to call ``turn(_:_:now:)`` although the descriptor isn't ready.
    var deadline: MonotonicTime { get }
    /// - Parameter ready: Empty at the deadline, and after ``StreamLoopTurn/poke(_:)``.
    /// - Returns: Whether the member stays.
    func turn(_ ready: SocketPoll.Ready, _ loop: StreamLoopTurn, now: MonotonicTime) -> Bool
    /// The loop ends and lets the member go.
    func loopEnds()
}

/// The loop itself, as seen by what runs on its thread.
final class StreamLoopTurn {
    private var members: [any StreamLoopMember] = []
    private var poked: [any StreamLoopMember] = []
    private var timers: [Timer] = []

    private struct Timer {
        let deadline: MonotonicTime
        let action: () -> Void
    }

    func add(_ member: any StreamLoopMember) { members.append(member) }

    /// Lets go of a member, without a word to it.
    func remove(_ member: any StreamLoopMember) { members.removeAll { $0 === member } }

    func remove(where isOver: (any StreamLoopMember) -> Bool) { members.removeAll(where: isOver) }

    /// Gives the member a turn soon, ready or not.
    func poke(_ member: any StreamLoopMember) { poked.append(member) }

    /// How many members fulfil a condition.
    func count(_ isCounted: (any StreamLoopMember) -> Bool) -> Int {
        members.reduce(0) { $0 + (isCounted($1) ? 1 : 0) }
    }

    /// Runs `action` at a time, once.
    func at(_ deadline: MonotonicTime, _ action: @escaping () -> Void) {
        timers.append(Timer(deadline: deadline, action: action))
    }

    func run(_ wakeUp: WakeUp, mailbox: () -> (work: [StreamLoop.Work], isStopping: Bool)) {
        while true {
            let (work, isStopping) = mailbox()
            for item in work { item(self) }
            if isStopping { break }
            turn(wakeUp)
        }
        for member in members { member.loopEnds() }
        members = []
        poked = []
        timers = []
    }

    private func turn(_ wakeUp: WakeUp) {
        // Members may come and go in each other's turns.
        let current = members
        // poll(2) tells of a hang-up although nobody asked for it: who waits for nothing isn't looked at.
        var entries = current.map { StreamPoll.Entry($0.interest.isEmpty ? -1 : $0.descriptor, $0.interest) }
        StreamPoll.wait(for: &entries, wakeUp, nanoseconds: patience(current))
        let now = MonotonicClock.now()
        let pokes = poked
        poked = []
        for (member, entry) in zip(current, entries) {
            let isDue = !entry.ready.isEmpty || member.deadline <= now || pokes.contains { $0 === member }
            guard isDue, members.contains(where: { $0 === member }) else { continue }
            if !member.turn(entry.ready, self, now: now) { remove(member) }
        }
        let due = timers.filter { $0.deadline <= now }
        timers.removeAll { $0.deadline <= now }
        for timer in due { timer.action() }
    }

    private func patience(_ members: [any StreamLoopMember]) -> UInt64? {
        if !poked.isEmpty { return 0 }
        let next = timers.reduce(members.reduce(MonotonicTime.never) { min($0, $1.deadline) }) { min($0, $1.deadline) }
        return next == .never ? nil : (next - MonotonicClock.now()).nanoseconds
    }
}

/// Resumes a continuation exactly once: with an answer, or with nil when it is dropped.
private final class OneReply<Answer: Sendable>: Sendable {
    private let continuation: Mutex<CheckedContinuation<Answer?, Never>?>

    init(_ continuation: CheckedContinuation<Answer?, Never>) { self.continuation = Mutex(continuation) }

    deinit { give(nil) }

    func give(_ answer: Answer?) {
        let taken = continuation.withLock { slot in
            defer { slot = nil }
            return slot
        }
        taken?.resume(returning: answer)
    }
}
