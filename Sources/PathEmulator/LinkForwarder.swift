import CQrateSocketShims
import Glibc
import QrateMeasurement
import QratePathEmulation
import QrateSockets
import Synchronization

/// Moves packets from one device to the other on a thread of its own, as a ``LinkEmulation`` decides.
final class LinkForwarder: Sendable {
    private let input: Int32
    private let output: Int32
    private let settings: PathSettings
    private let link: LinkSettings
    private let seed: UInt64
    private let wakeUp: Int32
    private let isStopped = Atomic(false)
    private let published: Mutex<LinkReport>

    /// Packets that may be on their way at once. They take memory only once so many were.
    private static let slots = 65_536
    /// Packets read before those that are due are looked at again.
    private static let batch = 64

    init(from input: Int32, to output: Int32, _ settings: PathSettings, _ link: LinkSettings, seed: UInt64) {
        self.input = input
        self.output = output
        self.settings = settings
        self.link = link
        self.seed = seed
        wakeUp = qrate_eventfd()
        precondition(wakeUp >= 0, "cannot open an eventfd")
        published = Mutex(LinkReport())
    }

    deinit { close(wakeUp) }

    /// As of the last time the thread waited or turned to other packets.
    var report: LinkReport { published.withLock(\.self) }

    func start(name: String) -> DedicatedThread { DedicatedThread(name: name) { self.run() } }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        var one: UInt64 = 1
        _ = write(wakeUp, &one, MemoryLayout<UInt64>.size)
    }

    private func run() {
        SocketPoll.sharpenTimers()
        var lane = Lane(self)
        while !isStopped.load(ordering: .relaxed) {
            lane.sendDue(now: MonotonicClock.now())
            let isIdle = !lane.receiveBatch(now: MonotonicClock.now())
            published.withLock { $0 = lane.report }
            if isIdle { wait(until: lane.nextDue) }
        }
    }

    private func wait(until due: MonotonicTime) {
        var events = Int16(POLLIN)
        var wakeEvents = Int16(POLLIN)
        let limit = due == .never ? -1 : Int64(clamping: (due - MonotonicClock.now()).nanoseconds)
        _ = qrate_poll(input, &events, wakeUp, &wakeEvents, limit)
    }

    /// What the thread owns.
    private struct Lane: ~Copyable {
        private let input: Int32
        private let output: Int32
        private let dataBytes: Int?
        private let damagesDataOnly: Bool
        private let slotBytes: Int
        /// Reserved address space; the system gives pages when they are written to.
        private let memory: UnsafeMutableRawBufferPointer
        private var free: [Int]
        private var emulation: LinkEmulation
        private var schedule = PacketSchedule(capacity: slots)
        private(set) var report: LinkReport
        private var packets: UInt64 = 0

        init(_ forwarder: borrowing LinkForwarder) {
            input = forwarder.input
            output = forwarder.output
            dataBytes = forwarder.settings.dataBytes
            damagesDataOnly = forwarder.settings.damagesDataOnly
            slotBytes = forwarder.settings.mtu
            memory = .allocate(byteCount: slotBytes * LinkForwarder.slots, alignment: 16)
            // Taken from the end: the same few pages are used again and again.
            free = Array((0..<LinkForwarder.slots).reversed())
            emulation = LinkEmulation(forwarder.link, seed: forwarder.seed)
            report = forwarder.report
            if dataBytes != nil { report.data = LinkCounters() }
        }

        deinit { memory.deallocate() }

        var nextDue: MonotonicTime { schedule.nextDue }

        private func bytes(_ slot: Int) -> UnsafeMutableRawBufferPointer {
            UnsafeMutableRawBufferPointer(rebasing: memory[slot * slotBytes..<(slot + 1) * slotBytes])
        }

        /// Whether it got anything.
        mutating func receiveBatch(now: MonotonicTime) -> Bool {
            for count in 0..<LinkForwarder.batch {
                // Without room for it a packet stays in the device, which drops the next ones and counts them.
                guard let slot = free.last else { return count > 0 }
                let buffer = bytes(slot)
                let size = read(input, buffer.baseAddress, buffer.count)
                guard size > 0 else { return count > 0 }
                receive(slot, UnsafeRawBufferPointer(rebasing: buffer[..<size]), now)
            }
            return true
        }

        private mutating func receive(_ slot: Int, _ packet: UnsafeRawBufferPointer, _ now: MonotonicTime) {
            let payload = IPPacket.udpPayload(packet)
            let isData = dataBytes.map { payload ?? -1 >= $0 } ?? false
            let fate = emulation.handle(
                bytes: packet.count, now: now, isUDP: payload != nil, isSpared: damagesDataOnly && !isData)
            report.packets.countReceived(bytes: packet.count, fate)
            if isData { report.data?.countReceived(bytes: packet.count, fate) }
            report.deepestQueueBytes = emulation.deepestQueue
            packets += 1
            guard case .carried(let due, let isDoubled) = fate else { return }
            free.removeLast()
            var entry = PacketSchedule.Entry(
                due: due, number: packets, isCopy: false, slot: slot, bytes: packet.count, isData: isData)
            schedule.insert(entry)
            guard isDoubled, let twin = free.popLast() else { return }
            bytes(twin).copyMemory(from: packet)
            entry.isCopy = true
            entry.slot = twin
            schedule.insert(entry)
        }

        mutating func sendDue(now: MonotonicTime) {
            while let entry = schedule.takeDue(now: now) {
                // Fails only when the device is gone or full of a packet that its kernel can't take.
                let isWritten = write(output, bytes(entry.slot).baseAddress, entry.bytes) == entry.bytes
                free.append(entry.slot)
                report.packets.count(entry, isWritten)
                if entry.isData { report.data?.count(entry, isWritten) }
            }
        }
    }
}

extension LinkCounters {
    fileprivate mutating func count(_ entry: PacketSchedule.Entry, _ isWritten: Bool) {
        if isWritten {
            countSent(bytes: entry.bytes, number: entry.number, isCopy: entry.isCopy)
        } else if !entry.isCopy {
            countOverrun()
        }
    }
}
