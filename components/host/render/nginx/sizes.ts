/** Local ports from one source to one upstream address, with the range of {@link renderSysctl} and room to spare. */
const SESSIONS_PER_ADDRESS = 28_000;
/** The fewest processors that the instance types in question have. */
const WORKERS = 2;

/** What follows from the number of collectors. */
export type NginxSizes = ReturnType<typeof nginxSizes>;

/**
 * Each session takes two connections and two open files of one worker, four where https and gRPC share a port; half as
 * many again for uneven shares.
 */
export function nginxSizes(collectors: number, shared = false) {
    const perWorker = Math.ceil(((shared ? 4 : 2) * collectors * 1.5) / WORKERS);
    const workerConnections = Math.max(4096, 2 ** Math.ceil(Math.log2(perWorker)));
    return {
        workerConnections,
        openFiles: Math.max(65_536, 2 * workerConnections),
    };
}

/** The addresses of a LinkMesh on the same machine: as many as local ports for all sessions need. */
export function loopbackAddresses(collectors: number): string[] {
    return Array.from({ length: Math.ceil(collectors / SESSIONS_PER_ADDRESS) }, (_, i) => `127.0.0.${i + 1}`);
}
