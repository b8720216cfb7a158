import QrateDatagramProtocol
import QrateMeasurement
import QrateQUICDriver
import QrateSockets
import QrateStatistics
import QrateTransportAPI
import Synchronization

/// Latency probes of a session: in DATAGRAM frames on the connection with the payload, and past QUIC to the same port.
///
/// Where payload has connections of its own, there are none of those yet in the idle phase: its probes go over the session's.
extension QUICSession {
    /// What ends with the session.
    struct LatencyState {
        /// At a server.
        var token: FlowToken?
        /// At a client.
        var probes: SessionProbes?
        var series: ProbeSeries?
        var isClosed = false
    }

    /// At a client: the probes that go over QUIC.
    var probeSeries: ProbeSeries? { latency.withLock { $0.series } }

    // MARK: Server

    /// - Returns: The token that the test's probes show; nil in one that has none.
    func offerProbes(_ plan: DataPlan, _ count: ProbeCount) async throws(TransportError) -> String? {
        guard plan.parameters.measuresLatency, let echo else { return nil }
        guard let host = core.peer?.host else { throw isGone }
        let token = echo.register(
            host: host, typeOfService: plan.parameters.settings.typeOfService, count: count)
        latency.withLock { $0.token = token }
        let isReady = await endpoint.ask { [core] loop in
            loop.with(core.number) { core.probe(.answering(echo), $0) } != nil
        }
        guard isReady == true else { throw isGone }
        return token.hexadecimal
    }

    // MARK: Client

    func latencyProbes(_ plan: DataPlan, _ offer: DataOffer) async throws(TransportError) -> any LatencyProbes {
        guard case .client(let dialer) = side, let token = offer.probeToken.flatMap({ FlowToken(hexadecimal: $0) })
        else { throw TransportError(.protocolError, "the server's token for latency probes is malformed") }
        let beside = try DatagramProbeLink.start(
            token, to: dialer.remote, from: dialer.further.beginning, plan.parameters.settings)
        let inside = ProbeSeries(token) { [endpoint, core] in endpoint.post { loop in core.touchProbes(loop) } }
        let probes = SessionProbes(inside: inside, beside: beside.series, [beside.hasEnded])
        let isKept = latency.withLock { state in
            guard !state.isClosed else { return false }
            state.probes = probes
            state.series = inside
            return true
        }
        guard isKept else {
            await probes.close()
            throw isGone
        }
        let isReady = await endpoint.ask { [core] loop in
            loop.with(core.number) { core.probe(.probing(inside, [.idle]), $0) } != nil
        }
        guard isReady == true else { throw isGone }
        return probes
    }

    // MARK: Both

    func endProbes() async {
        let state = latency.withLock { state in
            state.isClosed = true
            return state
        }
        if let token = state.token { echo?.remove(token) }
        await state.probes?.close()
    }
}
