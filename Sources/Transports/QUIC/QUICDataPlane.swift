import QrateMeasurement
import QrateQUICCore
import QrateQUICDriver
import QrateSockets
import QrateTransportAPI

/// N unidirectional streams of one QUIC connection. Everything is done by the endpoint's thread; this is its handle.
final class QUICDataPlane: DataPlane {
    let events: AsyncStream<PlaneEvent>
    private let plan: DataPlan
    private let endpoint: QUICEndpoint
    private let core: QUICSessionCore

    init(_ plan: DataPlan, _ events: AsyncStream<PlaneEvent>, _ endpoint: QUICEndpoint, _ core: QUICSessionCore) {
        self.plan = plan
        self.events = events
        self.endpoint = endpoint
        self.core = core
    }

    func start(_ job: SendJob) {
        post { plane, connection in plane.start(job, connection, now: MonotonicClock.now()) }
    }

    func setPaused(_ isPaused: Bool) {}

    func stopSending(_ how: SendEnd) {
        post { plane, connection in plane.stopSending(how, connection) }
    }

    private func post(_ body: @escaping @Sendable (QUICPlaneCore, QUICConnection) -> Void) {
        endpoint.post { [core] loop in
            loop.with(core.number) { connection in core.withPlane { body($0, connection) } }
        }
    }

    func sample() async -> PlaneSample {
        let socket = endpoint.socket
        let sample = await ask { $0.sample($1, socket, now: MonotonicClock.now()) }
        return sample ?? core.final?.sample ?? PlaneSample()
    }

    func closeWindow() async -> ClosedWindow {
        let window = await ask { $0.closeWindow($1, now: MonotonicClock.now()) }
        return window ?? core.final?.window ?? ClosedWindow(.nothing(streams: plan.streams), rowCount: 0)
    }

    /// nil once the connection is gone.
    private func ask<Answer: Sendable>(
        _ body: @escaping @Sendable (QUICPlaneCore, QUICConnection) -> Answer
    ) async -> Answer? {
        await endpoint.ask { [core] loop -> Answer? in
            loop.with(core.number) { connection in core.withPlane { body($0, connection) } } ?? nil
        } ?? nil
    }
}
