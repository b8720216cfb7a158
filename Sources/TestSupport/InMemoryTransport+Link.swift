import QrateMeasurement
import QrateTransportAPI
import Synchronization

/// What two ends in memory share: two pipes for control, and the planes.
final class InMemoryLink: Sendable {
    let clock: ManualClock
    let settings: InMemoryNetwork.Settings
    let probes = InMemoryProbes()
    private let toServer: BytePipe
    private let toClient: BytePipe
    private let state = Mutex(State())

    private struct State {
        var linesSent: [Role: Int] = [:]
        var closeReasons: [Role: CloseReason] = [:]
        var isGone = false
        var planes: InMemoryPlanes?
    }

    init(clock: ManualClock, _ settings: InMemoryNetwork.Settings) {
        self.clock = clock
        self.settings = settings
        toServer = BytePipe(seed: settings.seed)
        toClient = BytePipe(seed: ~settings.seed)
    }

    func pipe(to role: Role) -> BytePipe { role == .server ? toServer : toClient }

    func closeReason(of role: Role) -> CloseReason? { state.withLock { $0.closeReasons[role] } }

    func send(_ bytes: [UInt8], from role: Role) throws(TransportError) {
        let (isGone, lines) = state.withLock { state in
            state.linesSent[role, default: 0] += bytes.count { $0 == UInt8(ascii: "\n") }
            return (state.isGone, state.linesSent[role, default: 0])
        }
        guard !isGone else { throw Self.lost }
        pipe(to: role == .client ? .server : .client).append(bytes)
        if let fault = settings.faults.breaksAfterLines, fault.by == role, lines == fault.count { breakDown() }
        if let fault = settings.faults.leavesAfterLines, fault.by == role, lines == fault.count {
            close(by: role, .done)
        }
    }

    /// The same planes for both ends, whoever asks first.
    func makePlanes(_ plan: DataPlan) -> InMemoryPlanes {
        state.withLock { state in
            if let planes = state.planes { return planes }
            let planes = InMemoryPlanes(plan, clock: clock, settings)
            state.planes = planes
            return planes
        }
    }

    func close(by role: Role, _ reason: CloseReason) {
        let planes = state.withLock { state in
            if state.closeReasons[role] == nil { state.closeReasons[role] = reason }
            state.isGone = true
            return state.planes
        }
        toServer.end(.ended)
        toClient.end(.ended)
        planes?.end(nil)
    }

    private static let lost = TransportError(.failed, "The connection was lost.")

    private func breakDown() {
        let planes = state.withLock { state in
            state.isGone = true
            return state.planes
        }
        toServer.end(.failed(Self.lost))
        toClient.end(.failed(Self.lost))
        planes?.end(Self.lost)
    }
}

/// One direction of control bytes, given out in pieces of 1 to 40 bytes, regardless of how they were put in.
final class BytePipe: Sendable {
    enum End { case ended, failed(TransportError) }
    private typealias Piece = Result<[UInt8]?, TransportError>

    private struct State {
        var bytes: ArraySlice<UInt8> = []
        var end: End?
        var waiter: CheckedContinuation<Piece, Never>?
        var random: SplitMix64

        mutating func next() -> Piece? {
            guard bytes.isEmpty else {
                let piece = bytes.prefix(Int.random(in: 1...40, using: &random))
                bytes = bytes.dropFirst(piece.count)
                return .success(Array(piece))
            }
            switch end {
            case nil: return nil
            case .ended?: return .success(nil)
            case .failed(let error)?: return .failure(error)
            }
        }
    }

    private let state: Mutex<State>

    init(seed: UInt64) { state = Mutex(State(random: SplitMix64(seed: seed))) }

    func append(_ bytes: [UInt8]) { change { if $0.end == nil { $0.bytes += bytes } } }
    func end(_ end: End) { change { if $0.end == nil { $0.end = end } } }

    private func change(_ body: (inout State) -> Void) {
        let (waiter, piece) = state.withLock { state -> (CheckedContinuation<Piece, Never>?, Piece?) in
            body(&state)
            guard let waiter = state.waiter, let piece = state.next() else { return (nil, nil) }
            state.waiter = nil
            return (waiter, piece)
        }
        if let waiter, let piece { waiter.resume(returning: piece) }
    }

    func receive() async throws(TransportError) -> [UInt8]? {
        try await withCheckedContinuation { continuation in
            let piece = state.withLock { state in
                let piece = state.next()
                if piece == nil { state.waiter = continuation }
                return piece
            }
            if let piece { continuation.resume(returning: piece) }
        }.get()
    }
}
