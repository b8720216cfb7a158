import ArgumentParser

@main struct Qrate: ParsableCommand {}
