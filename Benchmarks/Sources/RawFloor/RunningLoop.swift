import Glibc
import Synchronization

/// A measured loop on a thread of its own, whose CPU clock then shows this loop and nothing else.
struct RunningLoop {
    private final class Job: Sendable {
        let loop: @Sendable () throws(FloorError) -> LoopCost
        let outcome = Mutex<Result<LoopCost, FloorError>?>(nil)

        init(_ loop: @escaping @Sendable () throws(FloorError) -> LoopCost) { self.loop = loop }

        func run() {
            let result = Result { () throws(FloorError) in try loop() }
            outcome.withLock { $0 = result }
        }
    }

    private let job: Job
    private let thread: pthread_t

    static func start(
        _ loop: @escaping @Sendable () throws(FloorError) -> LoopCost
    ) throws(FloorError) -> RunningLoop {
        let job = Job(loop)
        var thread = pthread_t()
        // Unretained, because `join` keeps the job until the thread is gone.
        let status = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<Job>.fromOpaque(context!).takeUnretainedValue().run()
                return nil
            }, Unmanaged.passUnretained(job).toOpaque())
        guard status == 0 else { throw .system("starting a thread", errno: status) }
        return RunningLoop(job: job, thread: thread)
    }

    /// Waits for the loop's end. To be called once, always.
    func join() throws(FloorError) -> LoopCost {
        pthread_join(thread, nil)
        return try job.outcome.withLock { $0! }.get()  // set by `run`, which has returned
    }
}
