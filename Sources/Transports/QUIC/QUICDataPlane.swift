import QrateMeasurement
import QrateQUICCore
import QrateQUICDriver
import QrateSockets
import QrateTransportAPI

/// N streams of one QUIC connection or several. Everything is done by the endpoint's thread; this is its handle.
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
        post { plane in plane.start(job, now: MonotonicClock.now()) }
    }

    func setPaused(_ isPaused: Bool) {
        post { plane in plane.setPaused(isPaused, now: MonotonicClock.now()) }
    }

    func stopSending(_ how: SendEnd) {
        post { plane in plane.stopSending(how) }
    }

    private func post(_ body: @escaping @Sendable (QUICPlaneCore) -> Void) {
        endpoint.post { [core] _ in _ = core.withPlane(body) }
    }

    func sample() async -> PlaneSample {
        let socket = endpoint.socket
        let sample = await ask { $0.sample(socket, now: MonotonicClock.now()) }
        return sample ?? core.final?.sample ?? PlaneSample()
    }

    func closeWindow() async -> ClosedWindow {
        let window = await ask { $0.closeWindow(now: MonotonicClock.now()) }
        return window ?? core.final?.window ?? ClosedWindow(.nothing(streams: plan.streams), rowCount: 0)
    }

    /// nil once the session's connection is gone.
    private func ask<Answer: Sendable>(_ body: @escaping @Sendable (QUICPlaneCore) -> Answer) async -> Answer? {
        await endpoint.ask { [core] _ -> Answer? in core.withPlane(body) } ?? nil
    }
}
